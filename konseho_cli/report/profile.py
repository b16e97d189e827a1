"""A profile in a terminal: the run, where its time went, what the profilers saw, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.time.lanes import lanes_of
from konseho_cli.report.analysis import analysis_lines
from konseho_cli.report.costs import cost_lines
from konseho_cli.report.cpu import cpu_lines
from konseho_cli.report.findings import finding_lines, prediction_lines, verdict_lines
from konseho_cli.report.frame import Line, Piece
from konseho_cli.report.lanes import MOST_LANES, lane_lines
from konseho_cli.report.memory import leak_lines, memory_lines
from konseho_cli.report.samples import sample_lines
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import one_line


def profile_lines(profiled: Profiled, symbols: Symbols, width: int) -> Iterator[Line]:
    """All of it, with an empty line between the parts; what to do comes last, so that it is seen."""
    yield from _head(profiled, symbols)
    for part in _parts(profiled, symbols, width):
        lines = tuple(part)
        if lines:
            yield ()
            yield from lines


def _parts(profiled: Profiled, symbols: Symbols, width: int) -> Iterator[Iterable[Line]]:
    yield analysis_lines(profiled.analysis, symbols, width)
    yield lane_lines(lanes_of(profiled.outcome, MOST_LANES), symbols, width)
    for recording in _first_of_each(profiled.recordings):
        if recording.cpu is not None:
            yield cpu_lines(recording.cpu, symbols, width)
        if recording.memory is not None:
            yield memory_lines(recording.memory, symbols, width)
        if recording.samples is not None:
            yield sample_lines(recording.samples, symbols, width)
    if profiled.leak is not None:
        yield leak_lines(profiled.leak, symbols)
    yield cost_lines(profiled.costs)
    yield prediction_lines(profiled.predictions)
    yield verdict_lines(profiled.verdicts, symbols)
    yield finding_lines(profiled.findings, profiled.outcome.status)


def _first_of_each(recordings: Iterable[Recording]) -> Iterable[Recording]:
    """One recording for each profiler."""
    found: dict[str, Recording] = {}
    for recording in recordings:
        found.setdefault(recording.profiler, recording)
    return found.values()


def _head(profiled: Profiled, symbols: Symbols) -> Iterator[Line]:
    first, dot = profiled.recordings[0], f" {symbols.dot} "
    outcome = first.outcome
    fine = outcome.status == "ok"
    parts = [show_duration(outcome.duration_s), outcome.status]
    if outcome.simulated:
        parts.append("simulated")
    if first.replayed is not None:
        parts.append(f"replayed from run {first.replayed}")
    if first.cpu_s:
        parts.append(f"{show_duration(first.cpu_s)} of CPU")
    yield (
        Piece(f"{symbols.check if fine else symbols.of(outcome.status)} "),
        Piece(one_line(outcome.council), "strong"),
        Piece(dot + dot.join(parts)),
    )
    if len(profiled.recordings) > 1:
        took = [
            f"{each.profiler} {show_duration(each.outcome.duration_s)}"
            for each in profiled.recordings
        ]
        yield (Piece(f"runs: {dot.join(took)}", "dim"),)
