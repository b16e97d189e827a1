"""Prepared agents, read and parsed once and shared by everything in the process.

A hit asks the file system for nothing but the file's state: where its times, size or number
changed, its checksum decides whether it has to be parsed again. A failure is never kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock

import msgspec
from cachetools import Cache, TTLCache

from konseho_cli.agents.markdown import MarkdownAgent, parse_agent
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.freshness import State, checksum, is_settled, state_of
from konseho_cli.core.memory import memory_in_use
from konseho_cli.core.source import read_source, shown_path

MOST_ENTRIES = 10_000
MOST_BYTES = 64 << 20
TTL_S = 3600.0
PRESSURE = 0.9
"""The share of the memory in use above which half of the entries go."""
_LOOK_S = 5.0
"""How rarely that share is asked for."""
_OVERHEAD = 1024
"""Bytes of an entry beside its text, roughly."""


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache did so far, and what it holds."""

    hits: int
    misses: int
    evictions: int
    """Entries that went for want of room, or by their age."""
    invalidations: int
    """Entries that went because their file changed, or because somebody asked."""
    entries: int
    bytes: int
    """Roughly."""

    @property
    def hit_rate(self) -> float:
        """From 0 to 1; 0 where nothing was asked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    agent: MarkdownAgent
    state: State
    settled: bool
    """Whether the state can be trusted: the file was not changed just before it was read."""
    checksum: bytes
    size: int


class _Entries(TTLCache[str, _Entry]):
    """The least recently used go first; counts what went for want of room."""

    def __init__(self, most_bytes: int, ttl_s: float, clock: Callable[[], float]) -> None:
        super().__init__(most_bytes, ttl_s, timer=clock, getsizeof=lambda entry: entry.size)
        self.evicted = 0

    def popitem(self) -> tuple[str, _Entry]:
        gone = super().popitem()
        self.evicted += 1
        return gone

    def expire(self, time: float | None = None) -> list[tuple[str, _Entry]]:
        gone = list(super().expire(time))
        self.evicted += len(gone)
        return gone

    def find(self, key: str) -> _Entry | None:
        """The entry, which is then the one that was used last."""
        try:
            return self[key]
        except KeyError:
            return None

    def listed(self) -> dict[str, _Entry]:
        """All entries, none of which counts as used by it."""
        self.expire()
        return {key: Cache.__getitem__(self, key) for key in self}

    def shrink(self, most: int) -> None:
        """Let the least recently used go until so many are left."""
        while len(self) > most:
            self.popitem()


class SharedPromptCache:
    """Agents by the path of their file; safe in threads.

    `clock` counts seconds, `wall_ns` nanoseconds since 1970, `pressure` is the share of the
    memory in use. An entry larger than `most_bytes` is handed out and not kept.
    """

    def __init__(
        self,
        *,
        most_entries: int = MOST_ENTRIES,
        most_bytes: int = MOST_BYTES,
        ttl_s: float = TTL_S,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
        pressure: Callable[[], float] = memory_in_use,
    ) -> None:
        self._entries = _Entries(most_bytes, ttl_s, clock)
        self._most = max(1, most_entries)
        self._clock = clock
        self._wall_ns = wall_ns
        self._pressure = pressure
        self._looked: float | None = None
        self._lock = Lock()
        self._hits = self._misses = self._invalidations = 0

    def agent(self, path: str | Path) -> MarkdownAgent:
        """The agent of a Markdown file. Raises InvalidCouncil."""
        key = str(path)
        with self._lock:
            entry = self._entries.find(key)
        if entry is None:
            key = os.path.realpath(key)
            with self._lock:
                entry = self._entries.find(key)
        if entry is not None and entry.settled and entry.state == _state(key):
            with self._lock:
                self._hits += 1
            return entry.agent
        return self._read(key, entry)

    def preload(self, paths: Iterable[str | Path]) -> int:
        """Read these files ahead; how many were read. Who asks for a broken one meets its error."""
        read = 0
        for path in paths:
            try:
                self.agent(path)
                read += 1
            except InvalidCouncil:
                continue
        return read

    def clear(self) -> None:
        """Forget everything but the counts."""
        self.invalidate("*")

    def invalidate(self, pattern: str) -> int:
        """Forget files whose path, or agents whose name, fit a glob pattern; how many."""
        return self._forget(
            lambda key, entry: fnmatchcase(key, pattern) or fnmatchcase(_name(key, entry), pattern)
        )

    def invalidate_file(self, path: str | Path) -> bool:
        """Forget one file; whether it was there."""
        keys = {str(path), os.path.realpath(path)}
        return self._forget(lambda key, _: key in keys) > 0

    def invalidate_changed(self) -> int:
        """Forget the files whose content is no longer what was read, or that are gone; how many."""
        return self._forget(_has_changed)

    @property
    def stats(self) -> CacheStats:
        """What it did so far."""
        with self._lock:
            entries = self._entries
            entries.expire()
            return CacheStats(
                hits=self._hits, misses=self._misses, evictions=entries.evicted,
                invalidations=self._invalidations, entries=len(entries),
                bytes=int(entries.currsize),
            )  # fmt: skip

    def _read(self, key: str, known: _Entry | None) -> MarkdownAgent:
        """Read a file that is not there, or may have changed; parse it only if it has."""
        path = Path(key)
        state, now = _state(key), self._wall_ns()  # before the content: a later change is noticed
        try:
            text = read_source(path)
            found = checksum(text.encode())
            same = known is not None and known.checksum == found
            agent = known.agent if same and known else parse_agent(text, file=shown_path(path))
        except InvalidCouncil:
            with self._lock:
                self._misses += 1
                if self._entries.pop(key, None) is not None:
                    self._invalidations += 1
            raise
        if state is not None:
            entry = _Entry(
                agent=agent, state=state, settled=is_settled(state, now),
                checksum=found, size=len(text) + len(key) + _OVERHEAD,
            )  # fmt: skip
            self._keep(key, entry, known, same=same)
        return agent

    def _keep(self, key: str, entry: _Entry, known: _Entry | None, *, same: bool) -> None:
        with self._lock:
            self._hits += same
            self._misses += not same
            self._invalidations += known is not None and not same
            entries = self._entries
            if entry.size > entries.maxsize:
                entries.pop(key, None)
                return
            entries[key] = entry
            entries.shrink(self._most)
            self._trim()

    def _trim(self) -> None:
        """Let half of the entries go where the memory runs short; looked at only now and then."""
        now = self._clock()
        if self._looked is not None and now - self._looked < _LOOK_S:
            return
        self._looked = now
        if self._pressure() > PRESSURE:
            self._entries.shrink(len(self._entries) // 2)

    def _forget(self, goes: Callable[[str, _Entry], bool]) -> int:
        """Forget the entries that a rule names, which may look at files: so without the lock."""
        with self._lock:
            before = self._entries.listed()
        gone = {key: entry for key, entry in before.items() if goes(key, entry)}
        with self._lock:
            now = self._entries.listed()
            keys = [key for key, entry in gone.items() if now.get(key) is entry]
            for key in keys:
                self._entries.pop(key, None)
            self._invalidations += len(keys)
        return len(keys)


def _state(key: str) -> State | None:
    try:
        return state_of(os.stat(key))
    except (OSError, ValueError):
        return None


def _name(key: str, entry: _Entry) -> str:
    """The agent's name; where it has none, its file's."""
    return entry.agent.agent.name or Path(key).stem


def _has_changed(key: str, entry: _Entry) -> bool:
    if entry.settled and entry.state == _state(key):
        return False
    try:
        return checksum(read_source(Path(key)).encode()) != entry.checksum
    except InvalidCouncil:
        return True


_SHARED = SharedPromptCache()


def shared() -> SharedPromptCache:
    """The one of this process."""
    return _SHARED
