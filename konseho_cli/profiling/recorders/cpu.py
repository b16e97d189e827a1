"""cProfile around a run, and what its figures say by part of the house.

What C code takes counts for who called it: packing is C to the last byte, and it is our context
that is packed. What only waits is apart, and never counted as work.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, TypeAlias

from konseho_cli.profiling.cpu_profile import CpuProfile, FunctionTime, GroupTime
from konseho_cli.profiling.recorders.cpu_groups import (
    PYTHON,
    WAITING,
    group_of,
    is_built_in,
    shown,
    waits,
)

Key: TypeAlias = tuple[str, int, str]
"""File, line and name, as pstats calls a function."""
Figures: TypeAlias = tuple[int, int, float, float, Mapping[Key, tuple[int, int, float, float]]]
"""Of a function: calls without and with recursion, own and total seconds, and callers alike."""

ONE_STACK = sys.version_info >= (3, 12)
"""Whether this Python's cProfile sees all threads, as if they were one."""
MOST = 40
"""Functions with the most own, and with the most total time."""


class CpuWatch:
    """Turns cProfile on and off around code of the main thread, and of threads it starts."""

    def __init__(self) -> None:
        self._main = cProfile.Profile()
        self._others: list[cProfile.Profile] = []
        self.threads = 0
        """That were started while it watched."""

    def __enter__(self) -> CpuWatch:
        threading.setprofile(self._join)
        self._main.enable()
        return self

    def __exit__(self, *error: object) -> None:
        self._main.disable()
        threading.setprofile(None)

    def _join(self, frame: FrameType, event: str, arg: Any) -> None:
        """Called in each new thread, once: from there on its own profiler is called."""
        self.threads += 1
        if ONE_STACK:
            sys.setprofile(None)
            return
        own = cProfile.Profile()
        self._others.append(own)
        own.enable()

    def stats(self) -> pstats.Stats:
        """All of it together, once the threads have ended."""
        found = pstats.Stats(self._main)
        for each in self._others:
            if each.getstats():
                found.add(each)
        return found

    def waited_beside_s(self) -> float:
        """Seconds that threads besides the main one waited, where they can be told from it."""
        return sum(
            entry.inlinetime
            for profile in self._others
            for entry in profile.getstats()
            if isinstance(entry.code, str) and waits(entry.code)
        )

    def names(self) -> dict[Key, str]:
        """Qualified names, which pstats drops."""
        codes = (
            entry.code
            for profile in (self._main, *self._others)
            for entry in profile.getstats()
            if isinstance(entry.code, CodeType)
        )
        return {(code.co_filename, code.co_firstlineno, code.co_name): code.co_qualname
                for code in codes}  # fmt: skip


def cpu_profile(
    stats: Mapping[Key, Figures],
    names: Mapping[Key, str],
    *,
    threads: int = 0,
    waited_beside_s: float = 0.0,
    notes: Sequence[str] = (),
    file: str = "",
) -> CpuProfile:
    """What pstats counted, by group; the own times of the groups sum to the whole. Pure.

    `waited_beside_s`: waits of threads besides the main one. They are left out, since a thread that
    has nothing to do holds nobody up.
    """
    shares = {key: _shares(key, stats) for key in stats}
    calls: dict[str, float] = defaultdict(float)
    own: dict[str, float] = defaultdict(float)
    for parts in shares.values():
        for group, (count, seconds) in parts.items():
            calls[group] += count
            own[group] += seconds
    if WAITING in own:
        own[WAITING] = max(0.0, own[WAITING] - waited_beside_s)
    total = sum(own.values())
    waiting = own.get(WAITING, 0.0)
    worked = max(total - waiting, 1e-12)
    groups = [
        GroupTime(
            name=name, calls=round(calls[name]), own_s=seconds,
            share=0.0 if name == WAITING else seconds / worked,
        )
        for name, seconds in own.items()
    ]  # fmt: skip
    return CpuProfile(
        functions=_functions(stats, names, shares),
        groups=tuple(sorted(groups, key=lambda each: (-each.own_s, each.name))),
        total_s=total, waiting_s=waiting, threads=threads, notes=tuple(notes), file=file,
    )  # fmt: skip


def notes_on(threads: int, start_up_s: float, *, one_stack: bool = ONE_STACK) -> tuple[str, ...]:
    """What this Python's cProfile did not see, and what it sees otherwise than it was."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    found = [
        "cProfile sees what runs, not what is awaited: time in `await` is nobody's, and an async "
        "function counts a call each time it goes on",
        f"start-up, imports included, took {start_up_s:.2f} s before it and is not in it",
    ]
    if threads and one_stack:
        found.append(
            f"threads ran beside the main one ({threads}): cProfile of {python} takes all threads "
            "for one stack, so callers, own and total times are mixed up: --sample tells them apart"
        )
    elif threads:
        found.append(
            f"threads ran beside the main one ({threads}): cProfile of {python} sees one thread "
            "alone, so each was profiled by itself and added; threads of C code are in nothing here"
        )
    return tuple(found)


_Parts: TypeAlias = dict[str, tuple[float, float]]
"""Calls and own seconds by group."""


def _shares(key: Key, stats: Mapping[Key, Figures]) -> _Parts:
    """Where a function's own time goes: to its group, or, if it is C, to those of its callers."""
    file, _, name = key
    count, seconds = stats[key][1], stats[key][2]
    if not is_built_in(file):
        return {group_of(file): (count, seconds)}
    if waits(name):
        return {WAITING: (count, seconds)}
    parts: _Parts = {}
    for caller, (calls, _, own, _) in stats[key][4].items():
        group = _python_caller(caller, stats)
        before = parts.get(group, (0, 0.0))
        parts[group] = (before[0] + calls, before[1] + own)
    rest = seconds - sum(own for _, own in parts.values())
    if not parts or rest > 1e-9:  # nobody in sight called it
        before = parts.get(PYTHON, (0, 0.0))
        parts[PYTHON] = (before[0] + (0 if parts else count), before[1] + rest)
    return parts


def _python_caller(key: Key, stats: Mapping[Key, Figures]) -> str:
    """The group of the function in Python that C code worked for: of several, the busiest one."""
    seen: set[Key] = set()
    while is_built_in(key[0]):
        seen.add(key)
        callers = stats[key][4] if key in stats else {}
        fresh = {each: figures for each, figures in callers.items() if each not in seen}
        if not fresh:
            return PYTHON
        key = max(fresh, key=lambda each: fresh[each][3])
    return group_of(key[0])


def _functions(
    stats: Mapping[Key, Figures], names: Mapping[Key, str], shares: Mapping[Key, _Parts]
) -> tuple[FunctionTime, ...]:
    most = {*sorted(stats, key=lambda key: -stats[key][2])[:MOST],
            *sorted(stats, key=lambda key: -stats[key][3])[:MOST]}  # fmt: skip
    found = [
        FunctionTime(
            name=names.get(key, _plain_name(key)), file=shown(key[0]),
            line=0 if is_built_in(key[0]) else key[1], group=_main_group(key, shares[key]),
            calls=stats[key][1], own_s=stats[key][2], total_s=stats[key][3],
        )
        for key in most
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.own_s, -each.total_s, each.name)))


def _main_group(key: Key, parts: _Parts) -> str:
    if not parts:
        return PYTHON
    return max(parts, key=lambda group: (parts[group][1], group))


def _plain_name(key: Key) -> str:
    """`<built-in method zlib.crc32>` as `zlib.crc32`."""
    return key[2].removeprefix("<").removesuffix(">").removeprefix("built-in method ")
