"""The figures of a council: what its runs took, from samples to results. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from konseho_cli.bench.comparison import Outcome, Pair, compare, corrected
from konseho_cli.bench.experiment import Bar, Trial
from konseho_cli.bench.probing import Ran
from konseho_cli.bench.results import Against, Result, Unit
from konseho_cli.bench.statistics import summarize
from konseho_cli.bench.targets import Target

_TARGETS = {"makespan": "time", "overhead": "step_overhead"}
"""Figures whose target in a council file has another name; all others have the same."""
NAMES = ("makespan", "overhead", "cpu", "calls", "tokens", "cost")
EXACT = ("makespan", "calls", "tokens", "cost")
"""Those of them that no noise touches."""
WEAK = 3.0
"""How much wider the threshold is against a figure of another time."""


def council_results(about: Mapping[str, Any], runs: Sequence[Ran]) -> list[Result]:
    """What runs of a council took. Raises ValueError without runs."""
    last, limits, steps = runs[-1], about["targets"], max(1, about["steps"])
    cost = None if last.cost is None else float(Decimal(last.cost))
    return [
        _figure("makespan", "from start to end, in virtual time", "s", limits,
                [last.makespan / 1e9], exact=True),
        _figure("overhead", "Konseho's own wall time a step", "s", limits,
                [run.wall / steps for run in runs]),
        _figure("cpu", "CPU time of a run", "s", limits, [run.cpu for run in runs]),
        _figure("calls", "model calls of a run", "calls", limits, [last.calls], exact=True),
        _figure("tokens", "tokens of a run, in and out", "tokens", limits, [last.tokens],
                exact=True),
        _figure("cost", "dollars of a run", "$", limits, [] if cost is None else [cost],
                exact=True),
    ]  # fmt: skip


def _figure(
    name: str, title: str, unit: Unit, limits: Mapping[str, float], samples: Sequence[float],
    *, exact: bool = False,
) -> Result:  # fmt: skip
    return Result(
        name=name, title=title, unit=unit, exact=exact, samples=tuple(samples),
        target=Target(stated=limits.get(_TARGETS.get(name, name))),
        ours=summarize(samples) if samples else None,
    )  # fmt: skip


def exactly(before: float, after: float, bar: Bar, *, same: bool) -> Against:
    """Two figures without noise. `same`: of the same council, which must give the same.

    Another council may take more, up to the threshold.
    """
    if before == after:
        return Against(before=before, after=after, verdict="equal", outcome="passed", ratio=1.0)
    slower = after > before
    beyond = same or before <= 0 or after / before >= 1 + bar.threshold
    outcome: Outcome = "regression" if slower and beyond else "passed"
    note = "the council is the same, and what it comes to is not" if same else ""
    return Against(
        before=before, after=after, verdict="slower" if slower else "faster", outcome=outcome,
        ratio=after / before if before > 0 else None, note=note,
    )  # fmt: skip


def measured(trial: Trial) -> Against:
    """What an experiment came to."""
    found = trial.compared
    if found is None:
        noise = trial.noise
        around = (
            "" if noise is None else f": A/A gave {noise.low - 1:+.1%} to {noise.high - 1:+.1%}"
        )
        why = "the time was too short" if noise is None else f"the machine is too noisy{around}"
        middle = 0.0 if noise is None else noise.before
        return Against(
            before=middle, after=middle, verdict="inconclusive", outcome="inconclusive", note=why,
        )  # fmt: skip
    note = "" if found.is_narrow else f"the interval is still wide: {trial.stopped} ran out"
    return Against(
        before=found.before, after=found.after, verdict=found.verdict, outcome=found.outcome,
        ratio=found.ratio, low=found.low, high=found.high, pairs=found.pairs, note=note,
    )  # fmt: skip


def together(trials: Sequence[Trial]) -> list[Trial]:
    """Many trials, their verdicts corrected for being many."""
    told = [trial.compared for trial in trials if trial.compared is not None]
    left = iter(corrected(told))
    return [
        trial if trial.compared is None else replace(trial, compared=next(left)) for trial in trials
    ]


def not_compared(why: str) -> Against:
    """It holds nothing up, and is no pass either."""
    return Against(before=0.0, after=0.0, verdict="not compared", outcome="passed", note=why)


def stored(result: Result, before: Sequence[float], bar: Bar, *, elsewhere: str) -> Against:
    """Against samples of another time: weak, so the threshold is wider.

    `elsewhere`: how that machine was another one; empty: it was the same.
    """
    if elsewhere:
        return not_compared(elsewhere)
    if not before or not result.samples:
        return not_compared("it was not measured both times")
    count = min(len(before), len(result.samples))
    pairs = [Pair(*each) for each in zip(before[:count], result.samples, strict=False)]
    if count < 2 or min(map(min, pairs)) <= 0:
        return not_compared("there are too few samples of it, or some of nothing")
    found = compare(
        pairs, threshold=bar.threshold * WEAK, floor=bar.floor, confidence=bar.confidence,
        seed=bar.seed,
    )  # fmt: skip
    return Against(
        before=found.before, after=found.after, verdict=found.verdict, outcome=found.outcome,
        ratio=found.ratio, low=found.low, high=found.high, pairs=count, weak=True,
        note=f"measured at another time: the threshold is {found.threshold:.0%}",
    )  # fmt: skip
