"""What cProfile saw: functions, by the part of the house that they belong to."""

from __future__ import annotations

import msgspec


class FunctionTime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One function; times are seconds of what cProfile's timer counted."""

    name: str
    """Qualified as far as cProfile knows it."""
    file: str
    """As people read it: without the folder that packages are installed in."""
    line: int
    group: str
    """The part that it belongs to: see `GroupTime`."""
    calls: int
    """Those that recursion made included."""
    own_s: float
    """In itself."""
    total_s: float
    """In all that it called as well; recursion is counted once."""


class GroupTime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One part: a floor of Konseho (`engine`), a topic of it (`context serialization`, `event
    emission`, `coordination`, `history`), a library (`aiohttp`), `python`, or `waiting`.
    """

    name: str
    calls: int
    own_s: float
    share: float
    """Of the time in which something was computed, 0 to 1; the waits of the loop are left out."""


class CpuProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One run under cProfile."""

    functions: tuple[FunctionTime, ...]
    """Those with the most own or total time, the most own time first."""
    groups: tuple[GroupTime, ...]
    """The largest first; all functions are in one."""
    total_s: float
    """Own time of all functions, the main thread's waits included, those of others not."""
    waiting_s: float
    """Of the main thread, in the loop's `select` and the like: cProfile cannot tell who awaits
    what."""
    threads: int
    """That ran besides the main one."""
    notes: tuple[str, ...] = ()
    """What this Python's cProfile did not see."""
    file: str = ""
    """Name of the `.pstats` beside the recording."""
    lines: tuple[LineTime, ...] = ()
    """Line by line, where that was asked for."""


class LineTime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a function that was looked at."""

    function: str
    file: str
    line: int
    hits: int
    seconds: float
    source: str
