"""How many requests at once: felt out from what the server refuses. Pure.

Additive increase, multiplicative decrease (Chiu and Jain 1989): one more a round while all slots
are in use, a fifth less for each episode of 429s.
"""

from __future__ import annotations

START = 20
LOWEST = 1
HIGHEST = 200
DECREASE = 0.8
COOLDOWN_S = 15.0
"""429s within so long of the last decrease are of the same episode; nothing grows in it either."""


class Adaptive:
    """The limit of one model; times are seconds on the loop's clock."""

    __slots__ = ("_decreased", "_limit", "highest")

    def __init__(self, highest: int = HIGHEST) -> None:
        self.highest = highest
        self._limit = float(min(START, highest))
        self._decreased: float | None = None

    @property
    def limit(self) -> int:
        """Requests at the same time."""
        return int(self._limit)

    def answered(self, now: float, in_use: int) -> None:
        """A request was answered while so many were under way."""
        if in_use >= self.limit and not self._cooling(now):
            self._limit = min(self._limit + 1 / self._limit, self.highest)

    def refused(self, now: float) -> None:
        """A request was refused with a 429."""
        if not self._cooling(now):
            self._limit = max(self._limit * DECREASE, LOWEST)
            self._decreased = now

    def _cooling(self, now: float) -> bool:
        return self._decreased is not None and now - self._decreased < COOLDOWN_S
