"""A gate before a model: closed while its server wants to be left alone, opened by one that tries."""

from __future__ import annotations

import asyncio

from konseho_cli.core.errors import NotAsked
from konseho_cli.core.fair_queue import FairQueue
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call

LONGEST_S = 60.0
"""That anybody waits for a server that wants to be left alone. Beyond it, or where tries have been
in vain for so long, all who wait are turned away, and others are asked."""
_BY_TIMER = -1


class Gate:
    """Open, or closed for a while. After the while one goes ahead; its answer opens for the rest.

    So a storm of 429s costs one request a while, not one for each that waits. Where it does not
    end, all who wait are turned away together, and a fallback can answer. Make it inside the loop
    that uses it.
    """

    __slots__ = (
        "_due", "_name", "_queue", "_since", "_timer", "_trying", "_until", "_vain", "closed",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self._name = name
        self.closed = False
        self._since = 0.0
        """When it was closed while it was open."""
        self._until = 0.0
        self._due = False
        """Whether the while is over, and the next to come may try."""
        self._trying: float | None = None
        """The end of the while after which somebody tries; None: nobody does."""
        self._vain = 0
        """Tries since it was open that were refused."""
        self._queue = FairQueue()
        self._timer: asyncio.TimerHandle | None = None

    def close(self, seconds: float) -> None:
        """Let nobody in for so long, at least."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if not self.closed:
            self._since, self._vain = loop.time(), 0
        elif until <= self._until:
            return
        self.closed, self._until, self._due = True, until, False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(until, self._over)

    async def enter(self, call: Call) -> bool:
        """Wait until it is open; whether the caller is the one that tries. Then it must tell.

        Raises NotAsked where the wait would be longer than anybody waits, or comes to nothing.
        """
        if not self.closed:
            return False
        if self._due and self._trying is None:
            self._trying = self._until
            return True
        self._refuse_to_wait_long(call)
        future = self._queue.push(call.priority, call.identity.step_id)
        try:
            with call.scope.span("queue.rate", model=self._name) as wait:
                woken = await future
                wait.waker = None if woken == _BY_TIMER else woken
        except asyncio.CancelledError:
            if _was_to_try(future):
                self.stay_closed()  # it was its turn as it was cancelled
            raise
        return woken == _BY_TIMER

    def open(self, by: int) -> None:
        """It was tried, and there was an answer: all may go; `by` is the span that found out.

        Unless it was closed for longer in the meantime: then that counts.
        """
        if self._trying is not None and self._until > self._trying:
            self.stay_closed()
            return
        self.closed, self._due, self._trying = False, False, None
        if self._timer is not None:
            self._timer.cancel()
        while (future := self._queue.pop()) is not None:
            future.set_result(by)

    def stay_closed(self, *, refused: bool = False) -> None:
        """It was tried in vain: the next one tries, after the while if `close` began another."""
        self._trying = None
        self._vain += refused
        if self._is_hopeless():
            while (future := self._queue.pop()) is not None:
                future.set_exception(self._refusal())
        if self._due:
            self._over()

    def _over(self) -> None:
        self._due = True
        future = self._queue.pop() if self._trying is None else None
        if future is not None:
            self._trying = self._until
            future.set_result(_BY_TIMER)

    def _is_hopeless(self) -> bool:
        return self._vain > 0 and asyncio.get_running_loop().time() - self._since >= LONGEST_S

    def _refuse_to_wait_long(self, call: Call) -> None:
        wait_s = self._until - asyncio.get_running_loop().time()
        late = call.deadline is not None and self._until > call.deadline
        if late or wait_s > LONGEST_S or self._is_hopeless():
            raise self._refusal(", which is longer than there is time" if late else "")

    def _refusal(self, why: str = "") -> NotAsked:
        wait_s = max(0.0, self._until - asyncio.get_running_loop().time())
        what = f"{self._name}: not asked: its server wants to be left alone"
        left = f" for {show_duration(wait_s)}{why}" if wait_s else ""
        tries = f", after {self._vain} tries in vain" if self._is_hopeless() else ""
        return NotAsked(f"{what}{left}{tries}", hint=_HINT, retry_after_s=wait_s)


_HINT = "lower its `concurrency`, state its `rpm`, or give it a `fallback`"


def _was_to_try(future: asyncio.Future[int]) -> bool:
    """Whether a future that is not awaited any more says that it is our turn."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return False
    return future.result() == _BY_TIMER
