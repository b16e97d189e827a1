"""Requests and tokens a minute: a sliding window, so that no minute ever holds more than stated."""

from __future__ import annotations

import asyncio
from collections import deque

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.fair_queue import FairQueue
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call

MINUTE_S = 60.0
_TICK_S = 1e-7
"""A loop's timers may fire so much too early; to set them again would then be no wait at all."""
_BY_TIMER = -1


class Use:
    """What one request takes of a minute; its tokens are a guess until they are known."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.at: float | None = None
        """When it was let go, on the loop's clock; None: it still waits."""


class Rates:
    """Both limits of one model; whoever does not fit waits in one fair queue."""

    __slots__ = ("_log", "_name", "_queue", "_timer", "_tokens", "_waiting", "rpm", "tpm")

    def __init__(self, name: str, *, rpm: int | None = None, tpm: int | None = None) -> None:
        self._name = name
        self.rpm = rpm
        self.tpm = tpm
        self._log: deque[Use] = deque()
        """The uses of the last minute, oldest first."""
        self._tokens = 0
        """Of all of them together."""
        self._queue = FairQueue()
        self._waiting: dict[asyncio.Future[int], Use] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, call: Call, tokens: int) -> Use:
        """Wait for room in the minute. Raises ModelUnavailable where the deadline comes before."""
        now = asyncio.get_running_loop().time()
        use = Use(tokens)
        room_at = self._room_at(use, now)
        if not self._waiting and room_at <= now:
            self._grant(use, now)
            return use
        if call.deadline is not None and room_at > call.deadline:
            raise self._too_late(room_at - now)
        future = self._queue.push(call.priority, call.identity.step)
        self._waiting[future] = use
        self._serve()
        try:
            with call.scope.span("queue.rate", model=self._name):
                await future
        except asyncio.CancelledError:
            self.give_back(use)
            raise
        finally:
            self._waiting.pop(future, None)
            self._serve()
        return use

    def settle(self, use: Use, tokens: int) -> None:
        """Put what a request used in the place of the guess."""
        if use.at is not None and self._log and use.at >= (self._log[0].at or 0):
            self._tokens += tokens - use.tokens
            use.tokens = tokens

    def give_back(self, use: Use) -> None:
        """The request was never made."""
        if use.at is not None and use in self._log:
            self._log.remove(use)
            self._tokens -= use.tokens

    def _grant(self, use: Use, now: float) -> None:
        use.at = now
        self._log.append(use)
        self._tokens += use.tokens

    def _serve(self) -> None:
        """Let go whoever fits, each in turn; the next one's time is set."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (future := self._queue.peek()) is not None:
            now, use = loop.time(), self._waiting[future]
            room_at = self._room_at(use, now)
            if room_at > now + _TICK_S:
                self._timer = loop.call_at(room_at, self._serve)
                return
            self._queue.pop()
            self._grant(use, now)
            future.set_result(_BY_TIMER)

    def _room_at(self, use: Use, now: float) -> float:
        """When it fits; `now` where it does already."""
        self._forget(now)
        room_at = now
        if self.rpm is not None and len(self._log) >= self.rpm:
            room_at = max(room_at, self._end_of(self._log[len(self._log) - self.rpm]))
        if self.tpm is None:
            return room_at
        over = self._tokens + use.tokens - self.tpm
        for old in self._log:  # one that is larger than the limit goes when it is alone
            if over <= 0:
                break
            over -= old.tokens
            room_at = max(room_at, self._end_of(old))
        return room_at

    def _forget(self, now: float) -> None:
        while self._log and self._end_of(self._log[0]) <= now:
            self._tokens -= self._log.popleft().tokens

    @staticmethod
    def _end_of(use: Use) -> float:
        return (use.at or 0.0) + MINUTE_S

    def _too_late(self, wait_s: float) -> ModelUnavailable:
        stated = [
            text
            for limit, text in ((self.rpm, f"rpm {self.rpm}"), (self.tpm, f"tpm {self.tpm}"))
            if limit is not None
        ]
        return ModelUnavailable(
            f"{self._name}: its limits ({', '.join(stated)}) allow the next request in "
            f"{show_duration(wait_s)}, which is longer than there is time",
            status=429,
            retry_after_s=wait_s,
        )
