"""What memory_profiler saw, as lines of a terminal: the curve, its figures, the steps, a leak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_size
from konseho_cli.profiling.memory_profile import Leak, LineMemory, MemoryProfile
from konseho_cli.report.bars import bar, curve
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line, plural

MOST_STEPS = 20
_WIDEST = 80
_LEAST_NAME = 24


def memory_lines(profile: MemoryProfile, symbols: Symbols, width: int) -> Iterator[Line]:
    """All of it; sizes are what is resident, child processes included."""
    within = [point.resident for point in profile.points if point.at >= 0]
    low, high = show_size(min(within, default=0)), show_size(max(within, default=0))
    columns = max(10, min(_WIDEST, width - cells(low) - cells(high) - 6))
    yield (
        Piece("Memory", "strong"),
        Piece(f"  {show_size(profile.peak)} at most"),
        Piece(f"  {plural(len(profile.points), 'look')}, children included", "dim"),
    )
    yield (Piece(f"{GAP}{low} "), Piece(curve(within, symbols, columns)), Piece(f" {high}"))
    yield (
        Piece(
            f"{GAP}before {show_size(profile.before)} {symbols.dot} peak {show_size(profile.peak)}"
        ),
        Piece(f" {symbols.dot} after {show_size(profile.after)} {symbols.dot} "),
        Piece(f"growth {show_size(profile.growth)}", "strong"),
        Piece(f" {symbols.dot} {show_size(round(profile.per_agent))} an agent"),
    )
    yield from _steps(profile, symbols)
    if profile.lines:
        yield ()
        yield from line_sizes(profile.lines, symbols, width)


def _steps(profile: MemoryProfile, symbols: Symbols) -> Iterator[Line]:
    shown = sorted(profile.steps, key=lambda step: -step.growth)[:MOST_STEPS]
    kept = [step for step in profile.steps if step in shown]
    if not kept:
        return
    name = max(cells(step.step) for step in kept)
    most = max(*(step.growth for step in kept), 1)
    for step in kept:
        yield (
            Piece(f"{GAP}{step.step}{' ' * (name - cells(step.step))}  "),
            Piece(bar(step.growth / most, symbols)),
            Piece(f"  {signed(step.growth):>9}  peak {show_size(step.peak)}"),
        )
    if len(profile.steps) > len(kept):
        yield (Piece(f"{GAP}{plural(len(profile.steps) - len(kept), 'step')} more", "dim"),)


def line_sizes(lines: Sequence[LineMemory], symbols: Symbols, width: int) -> Iterator[Line]:
    """Function by function, its lines with hits and what they added."""
    for key in dict.fromkeys((line.file, line.function) for line in lines):
        yield (Piece(f"{GAP}{one_line(key[1])}", "strong"), Piece(f"  {key[0]}", "dim"))
        for line in lines:
            if (line.file, line.function) == key:
                source = fit(
                    line.source.replace("\t", "    "), max(width - 38, _LEAST_NAME), symbols
                )
                yield (
                    Piece(f"{line.line:>6}  {line.hits:>9,}  {signed(line.growth):>9}  "),
                    Piece(source),
                )


def leak_lines(leak: Leak, symbols: Symbols) -> Iterator[Line]:
    """Whether it grows from run to run, and by how much."""
    yield (
        Piece("Leaks", "strong"),
        Piece(f"  {plural(len(leak.after), 'run')} in one process", "dim"),
    )
    yield (
        Piece(f"{GAP}{show_size(leak.after[0])} "),
        Piece(curve(leak.after, symbols, _WIDEST)),
        Piece(f" {show_size(leak.after[-1])}"),
    )
    between = f"{signed(round(leak.low))} to {signed(round(leak.high))} with 95 % certainty"
    slope = f"{signed(round(leak.slope))} a run"
    if leak.leaks:
        yield (Piece(f"{GAP}{symbols.failed} it grows: {slope}, {between}", "accent"),)
    else:
        yield (Piece(f"{GAP}{symbols.check} no leak: {slope}, {between}"),)


def signed(size: int) -> str:
    """`+1.5 KiB`, `−812 B`."""
    return f"{'−' if size < 0 else '+'}{show_size(abs(size))}"
