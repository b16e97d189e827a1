"""Requests and tokens a minute: a sliding window, so that no minute ever holds more than stated."""

from __future__ import annotations

import asyncio
from collections import deque

from konseho_cli.core.errors import NotAsked
from konseho_cli.core.fair_queue import FairQueue
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call

MINUTE_S = 60.0
_TICK_S = 1e-7
"""A loop's timers may fire so much too early; to set them again would then be no wait at all."""
_BY_TIMER = -1


class Use:
    """What one request takes of a minute; its tokens are a guess until they are known."""

    __slots__ = ("granted", "sent_at", "tokens")

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.granted = False
        self.sent_at: float | None = None
        """On the loop's clock; its minute begins then. None: there is room for it, no more."""


class Rates:
    """Both limits of one model; whoever does not fit waits in one fair queue.

    Room that was given counts from then on, and its minute begins when the request goes out: what
    waits for something else in between can pile up, and still not pass a limit.
    """

    __slots__ = (
        "_log",
        "_name",
        "_queue",
        "_timer",
        "_tokens",
        "_unsent",
        "_waiting",
        "rpm",
        "tpm",
    )

    def __init__(self, name: str, *, rpm: int | None = None, tpm: int | None = None) -> None:
        self._name = name
        self.rpm = rpm
        self.tpm = tpm
        self._log: deque[Use] = deque()
        """What went out in the last minute, oldest first."""
        self._unsent = 0
        """Requests that have room and have not gone out."""
        self._tokens = 0
        """Of all of these together."""
        self._queue = FairQueue()
        self._waiting: dict[asyncio.Future[int], Use] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, call: Call, use: Use) -> None:
        """Wait for room in the minute. Raises NotAsked where the deadline comes before."""
        now = asyncio.get_running_loop().time()
        room_at = self._room_at(use, now)
        if not self._waiting and room_at is not None and room_at <= now:
            self._grant(use)
            return
        if call.deadline is not None and room_at is not None and room_at > call.deadline:
            raise self._too_late(room_at - now)
        future = self._queue.push(call.priority, call.identity.step_id)
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

    def still_fits(self, use: Use, tokens: int) -> bool:
        """Whether there is room yet, by a better guess; else it is given back."""
        self._tokens += tokens - use.tokens
        use.tokens = tokens
        if self.tpm is None or self._tokens <= self.tpm or self._tokens == tokens:
            return True
        self.give_back(use)
        return False

    def send(self, use: Use) -> None:
        """The request goes out now."""
        use.sent_at = asyncio.get_running_loop().time()
        self._unsent -= 1
        self._log.append(use)
        if self._waiting:
            self._serve()

    def settle(self, use: Use, tokens: int) -> None:
        """Put what a request used in the place of the guess."""
        if use.sent_at is not None and self._log and use.sent_at >= (self._log[0].sent_at or 0.0):
            self._tokens += tokens - use.tokens
            use.tokens = tokens
            if self._waiting:
                self._serve()

    def give_back(self, use: Use) -> None:
        """The request was not made, or not let in."""
        if not use.granted:
            return
        if use.sent_at is None:
            self._unsent -= 1
        elif use in self._log:
            self._log.remove(use)
        else:
            return
        use.granted = False
        self._tokens -= use.tokens
        self._serve()

    def _grant(self, use: Use) -> None:
        use.granted = True
        self._unsent += 1
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
            if room_at is None:
                return  # until one of those that have room goes out
            if room_at > now + _TICK_S:
                self._timer = loop.call_at(room_at, self._serve)
                return
            self._queue.pop()
            self._grant(use)
            future.set_result(_BY_TIMER)

    def _room_at(self, use: Use, now: float) -> float | None:
        """When it fits; None: that depends on requests which have not gone out yet."""
        while self._log and self._end_of(self._log[0]) <= now + _TICK_S:
            self._tokens -= self._log.popleft().tokens
        room_at = now
        if self.rpm is not None:
            over = self._unsent + len(self._log) + 1 - self.rpm
            if over > len(self._log):
                return None
            if over > 0:
                room_at = self._end_of(self._log[over - 1])
        over = 0 if self.tpm is None else self._tokens + use.tokens - self.tpm
        for old in self._log:  # one that is larger than the limit goes when it is alone
            if over <= 0:
                break
            over -= old.tokens
            room_at = max(room_at, self._end_of(old))
        return None if over > 0 and self._unsent else room_at

    @staticmethod
    def _end_of(use: Use) -> float:
        return (use.sent_at or 0.0) + MINUTE_S

    def _too_late(self, wait_s: float) -> NotAsked:
        stated = [
            text
            for limit, text in ((self.rpm, f"rpm {self.rpm}"), (self.tpm, f"tpm {self.tpm}"))
            if limit is not None
        ]
        return NotAsked(
            f"{self._name}: not asked: its limits ({', '.join(stated)}) allow the next request in "
            f"{show_duration(wait_s)}, which is longer than there is time",
            hint="raise them, or give it more time",
            retry_after_s=wait_s,
        )
