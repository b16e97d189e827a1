"""How long pieces of code took, by name: counted in bounded memory, from any thread."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from random import Random
from threading import Lock, get_ident

import msgspec

from konseho_cli.core.hashing import rng

EXACT = 4096
"""Times of one name that are kept; of more, as many are kept by chance (Vitter 1985, algorithm R)."""

HELD_S = 0.05
"""That the loop may be held at once: longer, and every agent visibly waits."""
_TOGETHER = 256


class Timing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one name came to. Seconds; what runs within something else counts for both."""

    name: str
    count: int
    errors: int
    """How many ended in an exception; these are counted and timed like the others."""
    total_s: float
    min_s: float
    max_s: float
    p95_s: float
    """19 of 20 took no longer. Exact for the first 4,096; of more, that of so many chosen by chance,
    which is off by a third of a percentile, typically."""
    held_s: float = 0.0
    """Longest time for which it held the event loop of a run at once, and with it every agent."""

    @property
    def average_s(self) -> float:
        """Mean."""
        return self.total_s / self.count


class Timings:
    """Counts times by name."""

    def __init__(self, now: Callable[[], int]) -> None:
        """`now`: nanoseconds."""
        self.now = now
        self.thread = get_ident()
        """In which they were begun: of a run, the one of its loop."""
        self._series: dict[str, Series] = {}

    def of(self, name: str) -> Series:
        """Where the times of one name are counted."""
        return self._series.get(name) or self._series.setdefault(name, Series(name))

    def all(self) -> tuple[Timing, ...]:
        """What was counted, the largest total first."""
        found = [timing for series in [*self._series.values()] if (timing := series.timing())]
        return tuple(sorted(found, key=lambda timing: -timing.total_s))

    def reset(self) -> None:
        """Forget all times; decorated functions go on to count."""
        for series in [*self._series.values()]:
            series.reset()


INSIDE: ContextVar[Timings | None] = ContextVar("konseho_timings", default=None)
"""The timings of the run that the code is part of; None outside of one."""


class Series:
    """The times of one name."""

    __slots__ = (
        "_chance", "_count", "_errors", "_held", "_kept", "_least", "_lock", "_most", "_name",
        "_new", "_total",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._chance: Random | None = None
        self._new: deque[tuple[int, bool, bool]] = deque()
        """Not reckoned yet: to append is safe from any thread, and takes a tenth of a lock's time."""
        self._forget()

    def add(self, took: int, failed: bool, held: bool) -> None:
        """Count one; `took` in nanoseconds."""
        self._new.append((took, failed, held))
        if len(self._new) >= _TOGETHER:
            with self._lock:
                self._reckon()

    def reset(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._reckon()
            self._forget()

    def timing(self) -> Timing | None:
        """What they come to; None where there are none."""
        with self._lock:
            self._reckon()
            if not self._count:
                return None
            ordered = sorted(self._kept)
            return Timing(
                name=self._name, count=self._count, errors=self._errors,
                total_s=self._total / 1e9, min_s=self._least / 1e9, max_s=self._most / 1e9,
                p95_s=ordered[-(-len(ordered) * 95 // 100) - 1] / 1e9, held_s=self._held / 1e9,
            )  # fmt: skip

    def _forget(self) -> None:
        self._count = self._errors = self._total = self._least = self._most = self._held = 0
        self._kept = array("q")

    def _reckon(self) -> None:
        """Of what is there now: others may go on to add."""
        for _ in range(len(self._new)):
            took, failed, held = self._new.popleft()
            if took < self._least or not self._count:
                self._least = took
            if took > self._most:
                self._most = took
            if held and took > self._held:
                self._held = took
            self._count += 1
            self._total += took
            self._errors += failed
            if self._count <= EXACT:
                self._kept.append(took)
            else:
                self._replace(took)

    def _replace(self, took: int) -> None:
        if self._chance is None:
            self._chance = rng(self._name)
        place = int(self._chance.random() * self._count)
        if place < EXACT:
            self._kept[place] = took
