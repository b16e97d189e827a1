"""From recordings to the profile that reports show: analysed, held to targets, advised upon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.engine.remembered import decode
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import Candidate
from konseho_cli.profiling.findings.loop import cpu_findings, loop_findings
from konseho_cli.profiling.findings.ranking import ranked, tried
from konseho_cli.profiling.findings.space import context_findings, leak_findings, memory_findings
from konseho_cli.profiling.findings.time import time_findings
from konseho_cli.profiling.findings.tracked import tracked_findings
from konseho_cli.profiling.memory_profile import Leak
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled, ProfilerCost
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.targets import bottlenecks, profile_verdicts
from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.profiling.whatif.changes import Changes
from konseho_cli.profiling.whatif.rehearsal import MOST_CALLS, Rehearsal
from konseho_cli.spec.document import Targets
from konseho_cli.spec.settings import said_over


def profiled_of(
    recordings: Sequence[Recording],
    *,
    costs: Sequence[ProfilerCost] = (),
    leak: Leak | None = None,
    folder: Path | None = None,
) -> Profiled:
    """The first recording's run is the one whose time is analysed.

    What-ifs are replayed here: for code outside of an event loop. Raises StoreFailed.
    """
    first = recordings[0]
    analysis, targets = analyse(first.outcome), _targets(first)
    suppose = _supposing(first)
    findings = _findings(recordings, analysis, targets, leak, suppose)
    return Profiled(
        recordings=tuple(recordings),
        analysis=analysis,
        verdicts=profile_verdicts(recordings, analysis, targets),
        findings=findings,
        predictions=() if suppose is None else suppose.best(analysis.path),
        costs=tuple(costs),
        leak=leak,
        folder=folder,
    )


def _targets(recording: Recording) -> Targets:
    """Those that the run was held to."""
    began = recording.run.row.began
    remembered = decode(began.document, began.run)
    return said_over(remembered.loaded().spec.targets, remembered.options.targets)


def _supposing(recording: Recording) -> Rehearsal | None:
    """None for a run that nobody can replay, or that takes too long to."""
    if not 0 < len(recording.run.calls) <= MOST_CALLS:
        return None
    try:
        rehearsal = Rehearsal(recording.run, recording.spans)
        _ = rehearsal.unchanged
    except KonsehoError:
        return None  # such as one that was cut off: the rest of its profile stands
    return rehearsal


def _findings(
    recordings: Sequence[Recording],
    analysis: Analysis,
    targets: Targets,
    leak: Leak | None,
    rehearsal: Rehearsal | None,
) -> tuple[Finding, ...]:
    outcome, makespan_s = recordings[0].outcome, analysis.makespan / 1e9
    candidates = _candidates(recordings, analysis, leak)
    found = tried(candidates, _trial(rehearsal), makespan_s)
    found += [*tracked_findings(outcome), *bottlenecks(outcome, targets)]
    return ranked(
        found,
        makespan_s=makespan_s,
        peak=max((each.memory.peak for each in recordings if each.memory), default=_left(leak)),
        tokens=outcome.usage.total,
    )


def _left(leak: Leak | None) -> int:
    return 0 if leak is None else max(leak.after)


def _candidates(
    recordings: Sequence[Recording], analysis: Analysis, leak: Leak | None
) -> Iterator[Candidate]:
    outcome = recordings[0].outcome
    yield from time_findings(outcome, analysis)
    yield from context_findings(outcome)
    yield from loop_findings(outcome, analysis)
    cpu = next((each.cpu for each in recordings if each.cpu is not None), None)
    if cpu is not None:
        yield from cpu_findings(cpu, analysis.makespan / 1e9)
    memory = next((each.memory for each in recordings if each.memory is not None), None)
    if memory is not None:
        yield from memory_findings(memory)
    if leak is not None:
        yield from leak_findings(leak)


def _trial(rehearsal: Rehearsal | None) -> Callable[[Changes], Prediction | None]:
    def trial(changes: Changes) -> Prediction | None:
        if rehearsal is None:
            return None
        try:
            return rehearsal.predict(changes)
        except UsageError:
            raise
        except KonsehoError:
            return None

    return trial
