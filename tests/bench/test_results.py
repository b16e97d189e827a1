from __future__ import annotations

from contextlib import nullcontext

import pytest

from konseho_cli.bench.figures import not_compared
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.results import Against, Result, exit_status
from konseho_cli.bench.statistics import Round, summarize
from konseho_cli.bench.targets import Target

NOTHING = Pair(ours=float, peer=float)
ROW = Row(name="call", title="a call", peer="a bare call", prepare=lambda _: nullcontext(NOTHING))


def _result(*ours: float, target: Target) -> Result:
    return Result.of(ROW, target, [Round(ours=(took, took), peer=(1e-5, 1e-5)) for took in ours])


def _exact(took: float | None, target: Target, against: Against | None = None) -> Result:
    samples = () if took is None else (took,)
    return Result(
        name="cost", title="", unit="$", target=target, samples=samples, exact=True,
        ours=None if took is None else summarize(samples), against=against,
    )  # fmt: skip


def test_only_a_missed_or_unclear_stated_target_makes_the_exit_status() -> None:
    met = _result(1.0, target=Target(stated=2, aim=0.5))
    missed = _result(1.0, target=Target(stated=0.5))
    unclear = _result(1.0, 2.0, 3.0, 4.0, target=Target(stated=2.5))
    assert exit_status([met]) == 0
    assert exit_status([met, unclear]) == 4
    assert exit_status([unclear, missed]) == 1


def test_a_limit_that_is_just_reached_holds_where_the_figure_is_exact() -> None:
    assert _exact(2.0, Target(stated=2.0)).stated == "met"
    assert _exact(2.5, Target(stated=2.0)).stated == "missed"


def test_a_target_that_nobody_can_check_does_not_hold() -> None:
    assert _exact(None, Target(stated=2.0)).stated == "missed"
    assert _exact(None, Target()).stated is None


@pytest.mark.parametrize(
    ("outcome", "status"), [("passed", 0), ("regression", 1), ("inconclusive", 4)]
)
def test_what_got_slower_makes_the_exit_status_too(outcome: str, status: int) -> None:
    against = Against(before=1, after=2, verdict="slower", outcome=outcome)  # type: ignore[arg-type]
    assert exit_status([_exact(2.0, Target(stated=3.0), against)]) == status


def test_a_comparison_that_did_not_come_about_is_no_pass() -> None:
    target = Target(stated=3.0)
    left = not_compared("another machine")
    assert exit_status([_exact(2.0, target)]) == 0
    assert exit_status([_exact(2.0, target), _exact(2.0, target, left)], compared=True) == 4
    equal = Against(before=2, after=2, verdict="equal", outcome="passed")
    both = [_exact(2.0, target, equal), _exact(2.0, target, left)]
    assert exit_status(both, compared=True) == 0
