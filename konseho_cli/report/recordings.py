"""What a profile recorded, as lines of a terminal: the run, then each profiler's part."""

from __future__ import annotations

from collections.abc import Iterator

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.profiling import Recordings
from konseho_cli.profiling.recording import Recording
from konseho_cli.report.costs import cost_lines
from konseho_cli.report.cpu import cpu_lines
from konseho_cli.report.frame import Line, Piece
from konseho_cli.report.memory import leak_lines, memory_lines
from konseho_cli.report.samples import sample_lines
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import one_line


def recordings_lines(found: Recordings, symbols: Symbols, width: int) -> Iterator[Line]:
    """All of it; of several runs under one profiler the first, and how long each took."""
    yield _head(found.recordings[0], symbols)
    if len(found.recordings) > 1:
        yield _took(found, symbols)
    shown: set[str] = set()
    for each in found.recordings:
        if each.profiler in shown:
            continue
        shown.add(each.profiler)
        for part in _parts(each, symbols, width):
            yield ()
            yield from part
    if found.leak is not None:
        yield ()
        yield from leak_lines(found.leak, symbols)
    if found.costs:
        yield ()
        yield from cost_lines(found.costs)


def _head(first: Recording, symbols: Symbols) -> Line:
    outcome, dot = first.outcome, f" {symbols.dot} "
    parts = [show_duration(outcome.duration_s), outcome.status]
    if outcome.simulated:
        parts.append("simulated")
    if first.replayed is not None:
        parts.append(f"replayed from run {first.replayed}")
    parts.append(f"{show_duration(first.cpu_s)} of CPU")
    return (Piece(one_line(outcome.council), "strong"), Piece(dot + dot.join(parts)))


def _took(found: Recordings, symbols: Symbols) -> Line:
    dot = f" {symbols.dot} "
    took = [
        f"{each.profiler} {show_duration(each.outcome.duration_s)}" for each in found.recordings
    ]
    return (Piece(f"runs: {dot.join(took)}", "dim"),)


def _parts(each: Recording, symbols: Symbols, width: int) -> Iterator[Iterator[Line]]:
    if each.cpu is not None:
        yield cpu_lines(each.cpu, symbols, width)
    if each.memory is not None:
        yield memory_lines(each.memory, symbols, width)
    if each.samples is not None:
        yield sample_lines(each.samples, symbols, width)
