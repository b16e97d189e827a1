from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.lag import lag_of, nearest_rank
from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import Recorder


class Ticks:
    """A clock that is set by hand."""

    at = 0

    def now(self) -> int:
        """Nanoseconds."""
        return self.at


def recorded(late: int) -> Trace:
    """A run whose barrier goes on so much later than its branch ended."""
    clock = Ticks()
    recorder = Recorder(clock)
    scope = recorder.root()
    with scope.span("run"):
        branch = scope.branch()
        with scope.span("barrier", step="slow") as barrier:
            with branch.span("ask", step="slow") as ask:
                clock.at = 100
            clock.at = 100 + late
            barrier.waker = ask.id
    return Trace(recorder.spans)


@given(late=st.integers(1, 1000))
def test_lag_is_from_the_end_of_the_waker_to_the_end_of_the_wait(late) -> None:
    found = lag_of(recorded(late))
    assert (found.count, found.p50, found.worst, found.worst_step) == (1, late, late, "slow")


def test_what_is_in_time_has_no_worst_step() -> None:
    assert lag_of(recorded(0)).worst_step == ""


def test_percentiles_are_values_that_were_measured() -> None:
    values = list(range(1, 101))
    assert [nearest_rank(values, share) for share in (0.5, 0.99, 1)] == [50, 99, 100]
    assert nearest_rank([], 0.5) == 0
