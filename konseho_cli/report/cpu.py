"""What cProfile saw, as lines of a terminal: parts of the house, functions, what it did not see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_duration, show_percent
from konseho_cli.profiling.cpu_profile import CpuProfile, FunctionTime, GroupTime, LineTime
from konseho_cli.report.bars import WIDTH, bar
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line
from konseho_cli.report.wrap import wrap

MOST_GROUPS = 16
MOST_FUNCTIONS = 12
ALWAYS = ("context serialization", "event emission", "coordination", "history")
"""Groups that have a line whatever their share is."""
_LEAST_NAME = 24
_FIGURES = 34
"""Columns of calls, own and total time in front of a function."""
_TIMES, _CALLS = 17, 17
"""Columns of time and share behind the bar of a part, and of its calls."""
_LEAST_BAR = 8


def cpu_lines(profile: CpuProfile, symbols: Symbols, width: int) -> Iterator[Line]:
    """All of it. Shares are of the time in which something was computed."""
    worked = profile.total_s - profile.waiting_s
    yield (
        Piece("CPU", "strong"),
        Piece(f"  {show_duration(worked)}"),
        Piece(f"  of cProfile's time, {show_duration(profile.waiting_s)} more in waits", "dim"),
    )
    yield from _groups(shown_groups(profile.groups), symbols, width)
    yield ()
    yield (Piece(_heading(), "dim"),)
    for function in top(profile.functions):
        yield _function(function, symbols, width)
    if profile.lines:
        yield ()
        yield from line_times(profile.lines, symbols, width)
    yield ()
    for note in profile.notes:
        for place, line in enumerate(wrap(one_line(note), width - cells(GAP) - 2)):
            yield (Piece(f"{GAP}{' ' if place else symbols.dot} {line}", "dim"),)


def shown_groups(groups: Sequence[GroupTime]) -> list[GroupTime]:
    """The largest, and those that always have a line; what only waits is left out."""
    worked = [group for group in groups if group.name != "waiting"]
    named = {group.name for group in worked}
    absent = [
        GroupTime(name=name, calls=0, own_s=0.0, share=0.0) for name in ALWAYS if name not in named
    ]
    return [
        group
        for place, group in enumerate([*worked, *absent])
        if place < MOST_GROUPS or group.name in ALWAYS
    ]


def top(functions: Sequence[FunctionTime], most: int = MOST_FUNCTIONS) -> list[FunctionTime]:
    """Those with the most own time that do more than wait."""
    return [each for each in functions if each.group != "waiting"][:most]


def _groups(groups: Sequence[GroupTime], symbols: Symbols, width: int) -> Iterator[Line]:
    """Where they are too wide for the terminal the bars are shorter; then the calls are left out."""
    names = max((cells(group.name) for group in groups), default=0)
    room = width - cells(GAP) - names - 2 - _TIMES
    counted = room - _CALLS >= _LEAST_BAR
    bars = max(min(room - _CALLS if counted else room, WIDTH), 1)
    for group in groups:
        style = "strong" if group.name in ALWAYS else "plain"
        yield (
            Piece(f"{GAP}{group.name}{' ' * (names - cells(group.name))}  ", style),  # type: ignore[arg-type]
            Piece(bar(group.share, symbols, bars)),
            Piece(f"  {show_duration(group.own_s):>8}  {show_percent(group.share):>5}"),
            Piece(f"  {group.calls:>9,} calls" if counted else "", "dim"),
        )


def _heading() -> str:
    return f"{GAP}{'own':>8}  {'total':>8}  {'calls':>9}  function"


def _function(each: FunctionTime, symbols: Symbols, width: int) -> Line:
    place = f"{each.file}:{each.line}" if each.file else each.group
    room = max(width - _FIGURES - 2, _LEAST_NAME)
    name = fit(one_line(each.name), room, symbols)
    left = room - cells(name) - 2
    return (
        Piece(f"{GAP}{show_duration(each.own_s):>8}  {show_duration(each.total_s):>8}"),
        Piece(f"  {each.calls:>9,}  "),
        Piece(name, "strong"),
        Piece(f"  {fit(one_line(place), left, symbols)}" if left > 12 else "", "dim"),
    )


def line_times(lines: Sequence[LineTime], symbols: Symbols, width: int) -> Iterator[Line]:
    """Function by function, its lines with hits and time."""
    for name, own in _by_function(lines):
        whole = sum(line.seconds for line in own) or 1.0
        yield (Piece(f"{GAP}{one_line(name)}", "strong"), Piece(f"  {own[0].file}", "dim"))
        for line in own:
            share = line.seconds / whole
            figures = f"{line.line:>6}  {line.hits:>9,}  {show_duration(line.seconds):>8}"
            source = fit(line.source.replace("\t", "    "), max(width - 36, _LEAST_NAME), symbols)
            yield (
                Piece(
                    f"{figures}  {show_percent(share):>5}  ", "accent" if share > 0.2 else "plain"
                ),
                Piece(source),
            )


def _by_function(lines: Sequence[LineTime]) -> Iterator[tuple[str, list[LineTime]]]:
    for key in dict.fromkeys((line.file, line.function) for line in lines):
        yield key[1], [line for line in lines if (line.file, line.function) == key]
