from __future__ import annotations

import pytest

from konseho_cli.bench.comparison import Pair, compare
from konseho_cli.bench.experiment import Bar, Trial
from konseho_cli.bench.figures import council_results, exactly, measured, stored, together
from konseho_cli.bench.probing import Ran
from konseho_cli.bench.results import Result
from konseho_cli.bench.statistics import summarize

ABOUT = {"steps": 2, "targets": {"time": 5.0, "cost": 0.5, "step_overhead": 0.1}}


def _ran(cpu: float = 0.01, cost: str | None = "0.25") -> Ran:
    return Ran(
        wall=cpu * 2, cpu=cpu, makespan=4_000_000_000, tokens=900, calls=7, cost=cost, ended="ok",
        gate=None, error=None, hint=None, status=0,
    )  # fmt: skip


def _by_name(runs: list[Ran]) -> dict[str, Result]:
    return {each.name: each for each in council_results(ABOUT, runs)}


def test_a_councils_own_targets_are_what_its_figures_are_held_to() -> None:
    found = _by_name([_ran(), _ran(0.03), _ran(0.02)])
    assert [each.stated for each in found.values()] == ["met", "met", None, None, None, "met"]
    assert found["overhead"].ours == summarize([0.01, 0.03, 0.02])
    assert found["makespan"].samples == (4.0,)


def test_a_cost_that_is_not_known_holds_no_target() -> None:
    assert _by_name([_ran(cost=None)])["cost"].stated == "missed"


def test_the_same_council_must_come_to_the_same() -> None:
    assert exactly(4.0, 4.0, Bar(), same=True).outcome == "passed"
    assert exactly(4.0, 4.0 + 1e-9, Bar(), same=True).outcome == "regression"
    assert exactly(4.0, 3.9, Bar(), same=True).outcome == "passed"


def test_another_council_may_take_more_up_to_the_threshold() -> None:
    assert exactly(4.0, 4.1, Bar(threshold=0.05), same=False).outcome == "passed"
    assert exactly(4.0, 4.3, Bar(threshold=0.05), same=False).outcome == "regression"
    assert exactly(0.0, 0.1, Bar(), same=False).outcome == "regression"


def test_a_figure_of_another_time_is_weak_and_its_threshold_wide() -> None:
    result = _by_name([_ran(0.0110 + number * 1e-5) for number in range(20)])["cpu"]
    before = [0.0100 + number * 1e-5 for number in range(20)]
    found = stored(result, before, Bar(threshold=0.05), elsewhere="")
    assert (found.weak, found.verdict, found.outcome) == (True, "slower", "passed")
    half = stored(result, [each / 2 for each in before], Bar(), elsewhere="")
    assert half.outcome == "regression"


def test_a_figure_of_another_machine_is_not_compared_and_refuses_nothing() -> None:
    result = _by_name([_ran(0.02), _ran(0.02)])["cpu"]
    found = stored(result, [0.01, 0.01], Bar(), elsewhere="it was measured on a Mac")
    assert (found.verdict, found.outcome) == ("not compared", "passed")
    assert "a Mac" in found.note


def test_what_was_not_measured_then_is_not_compared() -> None:
    result = _by_name([_ran()])["cpu"]
    assert stored(result, [], Bar(), elsewhere="").verdict == "not compared"
    assert stored(result, [0.0], Bar(), elsewhere="").verdict == "not compared"


@pytest.mark.parametrize("noise", [None, compare([Pair(1.0, 1.3), Pair(1.3, 1.0)] * 4)])
def test_an_experiment_that_compared_nothing_says_why(noise: object) -> None:
    trial = Trial(noise=noise, compared=None, stopped="noisy")  # type: ignore[arg-type]
    found = measured(trial)
    assert found.outcome == "inconclusive"
    assert found.note.startswith("the machine is too noisy" if noise else "the time was too short")


def test_many_experiments_correct_each_other() -> None:
    sure = compare([Pair(1.0, 1.5 + number / 1000) for number in range(20)])
    nothing = compare([Pair(1.0 + number % 3 / 100, 1.01) for number in range(20)])
    trials = [Trial(noise=None, compared=each, stopped="narrow") for each in (sure, nothing)]
    lost = Trial(noise=None, compared=None, stopped="noisy")
    found = together([lost, *trials])
    assert [each.verdict for each in found] == ["inconclusive", "slower", "inconclusive"]
