"""A counted resource with a fair, prioritised queue that remembers who woke whom."""

from __future__ import annotations

import asyncio

from konseho_cli.core.fair_queue import FairQueue


class Slots:
    """`capacity` leases, handed out as `FairQueue` says.

    Unlike asyncio.Semaphore, a released slot goes straight to a waiter, together with the id of
    the span that let go of it: the waker that the critical path needs.
    """

    __slots__ = ("_queue", "capacity", "taken")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.taken = 0
        self._queue = FairQueue()

    @property
    def waiting(self) -> bool:
        """Whether anybody still waits."""
        return self._queue.waiting

    def try_acquire(self) -> bool:
        """Take a slot if one is free at once; then nobody waits for it either."""
        if self.taken < self.capacity:
            self.taken += 1
            return True
        return False

    async def acquire(self, priority: int = 5, flow: str = "") -> int:
        """Queue for a slot, after `try_acquire` found none; the id of the span that released it."""
        future = self._queue.push(priority, flow)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(future.result())  # it was handed to us as we were cancelled
            raise

    def release(self, by: int) -> None:
        """Give a slot back; `by` is the span that held it."""
        self.taken -= 1
        self._hand_on(by)

    def resize(self, capacity: int, by: int) -> None:
        """From now on so many; those that are taken already stay taken."""
        self.capacity = capacity
        self._hand_on(by)

    def _hand_on(self, by: int) -> None:
        while self.taken < self.capacity and (future := self._queue.pop()) is not None:
            self.taken += 1
            future.set_result(by)
