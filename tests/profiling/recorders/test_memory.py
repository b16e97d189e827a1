"""Looks at a process from outside, and what they say of the run in it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import NotMeasured
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.recorders.memory import Curve, Look, Ran, memory_profile

BEGAN = 1_000_000.0
MIB = 2**20


def step(name: str, start: float | None, end: float | None) -> StepOutcome:
    def ns(at: float | None) -> int | None:
        return None if at is None else round(at * 1e9)

    return StepOutcome(id=name, kind="ask", status="ok", start=ns(start), end=ns(end))


def ran(*steps: StepOutcome, took: float = 3.0) -> Ran:
    return Ran(began=BEGAN, ended=BEGAN + took, agents=2, steps=steps)


def looks(*seen: tuple[float, int]) -> list[Look]:
    return [Look(BEGAN + at, size * MIB) for at, size in seen]


def test_the_run_is_cut_out_of_the_life_of_its_process() -> None:
    seen = looks((-2, 5), (-0.1, 10), (0.5, 20), (1.5, 50), (2.5, 40), (3.1, 30), (4, 90))
    profile = memory_profile(seen, ran(), 0.1)
    assert [point.at for point in profile.points][:2] == [-2_000_000_000, -100_000_000]
    assert (profile.before, profile.peak, profile.after) == (10 * MIB, 50 * MIB, 30 * MIB)
    assert profile.growth == 40 * MIB
    assert profile.per_agent == 20 * MIB


def test_a_step_has_what_was_seen_while_it_ran() -> None:
    seen = looks((-0.1, 10), (0.5, 20), (1.5, 50), (2.5, 40))
    steps = (step("a", 0.0, 1.0), step("b", 1.0, 2.9), step("never", None, None))
    found = {each.step: each for each in memory_profile(seen, ran(*steps), 0.1).steps}
    assert found.keys() == {"a", "b"}
    assert (found["a"].peak, found["a"].growth) == (20 * MIB, 10 * MIB)
    assert (found["b"].peak, found["b"].growth) == (50 * MIB, 20 * MIB)


def test_without_a_look_nothing_is_claimed() -> None:
    with pytest.raises(NotMeasured, match="could not be looked at"):
        memory_profile([], ran(), 0.1)


@given(
    st.lists(st.tuples(st.floats(-2, 5), st.integers(1, 10_000)), min_size=1),
    st.floats(0, 3), st.floats(0, 3),
)  # fmt: skip
def test_the_peak_is_never_less_than_what_a_step_saw(
    seen: list[tuple[float, int]], one: float, other: float
) -> None:
    start, end = sorted((one, other))
    profile = memory_profile(looks(*seen), ran(step("a", start, end)), 0.1)
    assert profile.peak >= profile.before
    assert profile.growth >= 0
    assert profile.peak >= profile.steps[0].peak >= profile.steps[0].growth


def test_a_process_is_looked_at_until_it_ends() -> None:
    ticks = []
    program = "import sys; hold = b'x' * 40_000_000; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        curve = Curve(0.01)

        def tick() -> None:
            ticks.append(len(curve.looks))
            if curve.looks and curve.looks[-1].resident > 40_000_000 and process.stdin:
                process.stdin.close()

        curve.wait(process, tick)
        process.wait()
    assert max(look.resident for look in curve.looks) > 40_000_000
    assert ticks
