"""How long a model takes to begin its answer, as observed. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

KEPT = 200
LEAST = 20
"""Observations before a percentile says anything."""
SHARE = 0.05
"""Of the requests that may be made a second time."""


class Latencies:
    """The latest observations, and how many second requests they may lead to."""

    __slots__ = ("_latest", "_sorted", "hedges", "requests")

    def __init__(self) -> None:
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []
        self.requests = 0
        self.hedges = 0

    def observe(self, seconds: float) -> None:
        """A request took so long to its first text."""
        self._latest.append(seconds)
        insort(self._sorted, seconds)
        if len(self._latest) > KEPT:
            del self._sorted[bisect_left(self._sorted, self._latest.popleft())]

    def p95(self) -> float | None:
        """Seconds that 95 % of the requests stay below; None: too few are known."""
        if len(self._sorted) < LEAST:
            return None
        return self._sorted[int(len(self._sorted) * 0.95)]

    def may_hedge(self) -> bool:
        """Whether one more second request stays within its share of all."""
        return self.hedges + 1 <= SHARE * self.requests
