"""Measures: the stated targets, a council, and either of them against what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import ceil
from time import perf_counter

from konseho_cli.bench.baseline import Baseline, machine
from konseho_cli.bench.comparison import Compared
from konseho_cli.bench.experiment import Bar, Cap, Trial, experiment
from konseho_cli.bench.figures import (
    council_results,
    exactly,
    measured,
    not_compared,
    stored,
    together,
)
from konseho_cli.bench.measure import Effort, Row, measure
from konseho_cli.bench.probing import Build, CouncilJob, Probe, Ran, RowJob
from konseho_cli.bench.results import Against, Result
from konseho_cli.bench.statistics import summarize
from konseho_cli.bench.targets import Target
from konseho_cli.core.errors import UsageError

Say = Callable[[str], object]
"""Hears how far it is, in a few words."""
PAIRED = "cpu"
"""The figure of a council that is compared by experiment: a busy machine disturbs it least."""
_UNPAIRED = "overhead"
"""Wall time in virtual time says the same as CPU time, and more about the rest of the machine."""
_SAMPLE_S, _MOST_TIMES = 0.05, 50


def bench_rows(
    rows: Sequence[Row], targets: dict[str, Target], effort: Effort, say: Say
) -> Iterator[Result]:
    """Each row, held to its target, as it is measured."""
    for number, row in enumerate(rows, 1):
        say(f"{number} of {len(rows)}  {row.name}")
        yield Result.of(row, targets[row.name], measure(row, effort))


def bench_council(job: CouncilJob, runs: int, say: Say) -> list[Result]:
    """So many runs of it. Raises KonsehoError where one did not end well."""
    with Probe(job, Build()) as probe:
        found: list[Ran] = []
        for number in range(1, runs + 1):
            say(f"run {number} of {runs}")
            found.append(probe.run())
        return council_results(probe.about, found)


def rows_against_build(
    results: Sequence[Result], before: Build, effort: Effort, bar: Bar, cap: Cap, say: Say
) -> list[Result]:
    """Our side of each row against the same row of another build, A B B A."""
    trials: list[Trial | None] = []
    for number, result in enumerate(results, 1):
        say(f"{number} of {len(results)}  {result.name}")
        own = bar if result.unit == "s" else replace(bar, floor=0.0)
        trials.append(_trial_of_row(result.name, before, effort, own, cap, say))
    left = iter(together([trial for trial in trials if trial is not None]))
    new = Against(before=0.0, after=0.0, verdict="new", outcome="passed")
    return [
        replace(result, against=new if trial is None else measured(next(left)))
        for result, trial in zip(results, trials, strict=True)
    ]


def _trial_of_row(
    name: str, before: Build, effort: Effort, bar: Bar, cap: Cap, say: Say
) -> Trial | None:
    """None: the other build has no such row."""
    job = RowJob(row=name, scale=effort.scale)
    with ExitStack() as opened:
        then = opened.enter_context(Probe(job, before))
        if not then.about["there"]:
            return None
        now = opened.enter_context(Probe(job, Build()))
        start = perf_counter()
        then.took()
        times = _times(perf_counter() - start)
        return experiment(
            then.took, now.took, bar, cap, times=times, tell=_teller(say, f"{name}  ")
        )  # fmt: skip


def council_against_past(
    now: tuple[CouncilJob, Build],
    before: tuple[CouncilJob, Build],
    runs: int,
    bar: Bar,
    cap: Cap,
    say: Say,
    *,
    same: bool,
    timed: bool,
) -> list[Result]:
    """A council against an older one, or an older build, A B B A. Raises KonsehoError.

    `same`: whether it is the same council, so that all exact figures must be equal; `timed`:
    whether CPU time is compared too.
    """
    trial: Trial | None = None
    with Probe(*now) as here, Probe(*before) as then:
        times = _times(then.run().cpu) if timed else 1
        ours, theirs = _Kept(here), _Kept(then)
        if timed:
            trial = experiment(theirs.cpu, ours.cpu, bar, cap, times=times, tell=_teller(say, ""))
        else:
            theirs.cpu()
        while len(ours.runs) < runs:
            ours.cpu()
        results = council_results(here.about, ours.runs)
        past = {each.name: each for each in council_results(then.about, theirs.runs)}
    return [
        replace(each, against=_against_past(each, past[each.name], trial, bar, same=same))
        for each in results
    ]


class _Kept:
    """A probe whose runs are remembered."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.runs: list[Ran] = []

    def cpu(self) -> float:
        self.runs.append(self._probe.run())
        return max(self.runs[-1].cpu, 1e-9)


def _times(seconds: float) -> int:
    """So many make one sample: what disturbs one of them hardly disturbs all."""
    return max(1, min(_MOST_TIMES, ceil(_SAMPLE_S / max(1e-6, seconds))))


def _against_past(
    result: Result, past: Result, trial: Trial | None, bar: Bar, *, same: bool
) -> Against | None:
    if result.name == PAIRED and trial is not None:
        return measured(trial)
    if result.exact and result.samples and past.samples:
        return exactly(past.samples[-1], result.samples[-1], bar, same=same)
    return not_compared("it is not known on both sides") if result.exact else None


def results_against_baseline(
    results: Sequence[Result], baseline: Baseline, bar: Bar, *, council: str
) -> list[Result]:
    """Against figures of another time: exact ones exactly, the others weakly."""
    here = machine()
    elsewhere = "" if baseline.machine == here else f"it was measured on {baseline.machine}"
    same = bool(council) and baseline.council == council
    return [
        replace(each, against=_against_stored(each, baseline, bar, elsewhere, same=same))
        for each in results
    ]


def _against_stored(
    result: Result, baseline: Baseline, bar: Bar, elsewhere: str, *, same: bool
) -> Against | None:
    before = baseline.samples(result.name)
    if result.name == _UNPAIRED:
        return None
    if result.exact:
        if not before or not result.samples:
            return not_compared("it is not known on both sides")
        return exactly(summarize(before).median, result.samples[-1], bar, same=same)
    if result.unit != "s":
        bar = replace(bar, floor=0.0)
    return stored(result, before, bar, elsewhere=elsewhere)


def _teller(say: Say, prefix: str) -> Callable[[str, int, Compared | None], object]:
    def tell(stage: str, pairs: int, seen: Compared | None) -> None:
        around = "" if seen is None else f", {seen.low - 1:+.1%} to {seen.high - 1:+.1%}"
        say(f"{prefix}{stage} {pairs} pairs{around}")

    return tell


def matching(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows with that text in their names. Raises UsageError where there is none."""
    chosen = [row for row in rows if text in row.name]
    if not chosen:
        raise UsageError(f"no row matches '{text}'", hint=", ".join(row.name for row in rows))
    return chosen
