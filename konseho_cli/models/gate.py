"""A gate before a model: closed while its server wants to be left alone, opened by one that tries."""

from __future__ import annotations

import asyncio

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.fair_queue import FairQueue
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call

LONGEST_S = 60.0
"""That anybody waits for a server that wants to be left alone: beyond it, others are asked."""
_BY_TIMER = -1


class Gate:
    """Open, or closed for a while. After the while one goes ahead; its answer opens for the rest.

    So a storm of 429s costs one request a while, not one for each that waits. Make it inside the
    loop that uses it.
    """

    __slots__ = ("_due", "_name", "_probing", "_queue", "_timer", "_until", "closed")

    def __init__(self, name: str) -> None:
        self._name = name
        self.closed = False
        self._until = 0.0
        self._due = False
        """Whether the while is over, and the next to come may try."""
        self._probing = False
        self._queue = FairQueue()
        self._timer: asyncio.TimerHandle | None = None

    def close(self, seconds: float) -> None:
        """Let nobody in for so long, at least."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self.closed and until <= self._until:
            return
        self.closed, self._until, self._due = True, until, False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(until, self._over)

    async def enter(self, call: Call) -> bool:
        """Wait until it is open; whether the caller is the one that tries. Then it must `tell`.

        Raises ModelUnavailable where the call's deadline comes before.
        """
        if not self.closed:
            return False
        if self._due and not self._probing:
            self._probing = True
            return True
        self._refuse_to_wait_long(call)
        future = self._queue.push(call.priority, call.identity.step)
        try:
            with call.scope.span("queue.rate", model=self._name) as wait:
                woken = await future
                wait.waker = None if woken == _BY_TIMER else woken
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result() == _BY_TIMER:
                self.stay_closed()  # it was its turn to try as it was cancelled
            raise
        return woken == _BY_TIMER

    def open(self, by: int) -> None:
        """It was tried, and there was an answer: all may go; `by` is the span that found out."""
        self.closed = self._due = self._probing = False
        if self._timer is not None:
            self._timer.cancel()
        while (future := self._queue.pop()) is not None:
            future.set_result(by)

    def stay_closed(self) -> None:
        """It was tried in vain: the next one tries, after the while if `close` began another."""
        self._probing = False
        if self._due:
            self._over()

    def _over(self) -> None:
        self._due = True
        future = None if self._probing else self._queue.pop()
        if future is not None:
            self._probing = True
            future.set_result(_BY_TIMER)

    def _refuse_to_wait_long(self, call: Call) -> None:
        wait_s = self._until - asyncio.get_running_loop().time()
        late = call.deadline is not None and self._until > call.deadline
        if late or wait_s > LONGEST_S:
            why = ", which is longer than there is time" if late else ""
            what = f"its server wants to be left alone for {show_duration(wait_s)}{why}"
            raise ModelUnavailable(f"{self._name}: {what}", status=429, retry_after_s=wait_s)
