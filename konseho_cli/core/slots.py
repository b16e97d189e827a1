"""A counted resource with a fair, prioritised queue that remembers who woke whom."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class Slots:
    """`capacity` leases; the most urgent waiter first (lower is sooner), then the oldest.

    Unlike asyncio.Semaphore, a released slot goes straight to a waiter, together with the id of
    the span that let go of it: the waker that the critical path needs.
    """

    __slots__ = ("_free", "_order", "_waiting", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._free = capacity
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[int]]] = []

    @property
    def waiting(self) -> bool:
        """Whether anybody still waits."""
        return any(not future.done() for _, _, future in self._waiting)

    def try_acquire(self) -> bool:
        """Take a slot if one is free at once."""
        if self._free > 0:
            self._free -= 1
            return True
        return False

    async def acquire(self, priority: int = 5) -> int:
        """Queue for a slot, after `try_acquire` found none; the id of the span that released it."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(future.result())  # it was handed to us as we were cancelled
            raise

    def release(self, by: int) -> None:
        """Give a slot back; `by` is the span that held it."""
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(by)
                return
        self._free += 1
