"""The two clocks: the loop's for durations, the wall's for dates and whatever outlives a process."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec


class Clock(Protocol):
    """Where durations and dates come from; handed in, so that time can be virtual."""

    def now(self) -> int:
        """Integer nanoseconds on the loop's monotonic clock."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        ...


class RealClock:
    """The machine's clocks; `now` is the one that asyncio's own loops read."""

    __slots__ = ()
    now = staticmethod(time.monotonic_ns)
    wall = staticmethod(time.time)


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """One instant on both clocks, so that a recording's durations can be dated."""

    wall_s: float
    loop_ns: int

    @classmethod
    def of(cls, clock: Clock) -> Anchor:
        """Take the anchor now."""
        return cls(wall_s=clock.wall(), loop_ns=clock.now())
