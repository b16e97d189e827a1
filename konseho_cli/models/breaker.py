"""A circuit breaker's state: closed, open for a while, half-open while one request tries. Pure.

Times are seconds on the loop's clock. Failures count in a row; those of requests that were under
way together are one outage seen several times, so they count once: a panel of five agents that
meets one hiccup is no reason to give a server up.
"""

from __future__ import annotations

from typing import Literal

FAILURES = 5
OPEN_S = 60.0

State = Literal["closed", "open", "half-open"]


class Breaker:
    """One server's model, as its failures show it."""

    __slots__ = ("_last_failed", "_opened", "_trying", "failures", "last")

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.last = ""
        """What the last one said."""
        self._last_failed: float | None = None
        self._opened: float | None = None
        self._trying = False

    def state(self, now: float) -> State:
        """What the next request meets."""
        if self._opened is None:
            return "closed"
        return "open" if now - self._opened < OPEN_S else "half-open"

    def wait_s(self, now: float) -> float:
        """Seconds until it may be tried again; 0: now."""
        return 0.0 if self._opened is None else max(0.0, self._opened + OPEN_S - now)

    def admit(self, now: float) -> State | None:
        """In which state a request may go; None: it may not. In half-open the first one may."""
        if self._opened is None:
            return "closed"
        state = self.state(now)
        if state == "open" or (state == "half-open" and self._trying):
            return None
        self._trying = state == "half-open"
        return state

    def succeeded(self) -> None:
        """A request was answered."""
        self.failures, self._opened, self._last_failed, self._trying = 0, None, None, False

    def failed(self, admitted: State, started: float, now: float, why: str) -> None:
        """A request that had started then has failed; `why` goes into the refusals that follow."""
        self.last = why
        if admitted == "half-open":
            self._opened, self._trying = now, False
            return
        if self._last_failed is not None and started < self._last_failed:
            return
        self.failures += 1
        self._last_failed = now
        if self.failures >= FAILURES and self._opened is None:
            self._opened = now

    def told_nothing(self, admitted: State) -> None:
        """A request ended without a word on the server's health: cancelled, or asked to wait."""
        if admitted == "half-open":
            self._trying = False
