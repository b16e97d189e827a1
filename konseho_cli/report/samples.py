"""What py-spy saw, as lines of a terminal: functions by the samples that found them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from konseho_cli.core.units import show_percent
from konseho_cli.profiling.sampled import Frame, Samples
from konseho_cli.report.bars import bar
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import fit, one_line, plural

MOST = 15
FEW = 50
"""Samples, below which shares are mostly chance."""
_LEAST_NAME = 24
_WAITS = {
    ("_worker", "thread.py"), ("wait", "threading.py"), ("acquire", "threading.py"),
    ("select", "selectors.py"), ("_wait_for_tstate_lock", "threading.py"), ("poll", "subprocess.py"),
}  # fmt: skip
"""Function and file: to the system a thread in one of them may just have been at work."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One function: the samples in which it was at work itself, and in which it was on the stack."""

    frame: Frame
    own: int
    total: int


def by_function(samples: Samples) -> list[Seen]:
    """The one that was at work most often first; recursion counts once."""
    own: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for stack in samples.stacks:
        own[stack.frames[-1]] += stack.samples
        for frame in {*stack.frames}:
            total[frame] += stack.samples
    found = [
        Seen(frame=samples.frames[place], own=own[place], total=count)
        for place, count in total.items()
    ]
    return sorted(found, key=lambda each: (-each.own, -each.total, each.frame.name))


def waits(frame: Frame) -> bool:
    """Whether it does nothing but wait."""
    return (frame.name.rpartition(".")[2], frame.file.rpartition("/")[2]) in _WAITS


def sample_lines(samples: Samples, symbols: Symbols, width: int) -> Iterator[Line]:
    """All of it; shares are of all samples."""
    total = samples.total
    who = "threads that hold the lock" if samples.gil else "threads that work"
    who = "all threads" if samples.idle and not samples.gil else who
    yield (
        Piece("Samples", "strong"),
        Piece(f"  {plural(total, 'sample')}"),
        Piece(f"  of {who}, {samples.rate:,} looks a second", "dim"),
    )
    room = max(width - 48, _LEAST_NAME)
    found = [each for each in by_function(samples) if each.own]
    for each in [each for each in found if not waits(each.frame)][:MOST]:
        place = f"{each.frame.file}:{each.frame.line}" if each.frame.file else ""
        name = fit(one_line(each.frame.name), room, symbols)
        left = room - len(name) - 2
        yield (
            Piece(f"{GAP}{bar(each.own / total, symbols)}"),
            Piece(
                f"  {show_percent(each.own / total):>5}  {show_percent(each.total / total):>5}  "
            ),
            Piece(name, "strong"),
            Piece(f"  {fit(one_line(place), left, symbols)}" if left > 12 else "", "dim"),
        )
    waiting = sum(each.own for each in found if waits(each.frame))
    if waiting:
        yield (
            Piece(f"{GAP}{show_percent(waiting / total)} more just before or after a wait", "dim"),
        )
    if total < FEW:
        hint = "the run hardly computed anything" if total else "nothing was at work when it looked"
        yield (Piece(f"{GAP}{hint}: --rate 1000 looks more often, --idle at waits too", "dim"),)
