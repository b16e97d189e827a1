"""Who waits for something: the most urgent first, then every flow in its turn, then the oldest."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class FairQueue:
    """Waiters by priority (lower is sooner); among equals the flows take turns.

    A flow is whoever must not be held up by another's crowd: a step with five calls waits for five
    of a step with a thousand, not for all of them. Start-time fair queueing (Goyal, Vin and Cheng
    1996) with requests of equal size: each waiter's tag is one more than its flow's last one.
    """

    __slots__ = ("_order", "_passed", "_tags", "heap")

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, int, asyncio.Future[int]]] = []
        """Priority, tag and order of each; where it is empty, nobody waits."""
        self._order = count()
        self._tags: dict[tuple[int, str], int] = {}
        """The last one of each flow, at each priority."""
        self._passed: dict[int, int] = {}
        """The tag that was served last, by priority: a flow that was away saves up no turns."""

    @property
    def waiting(self) -> bool:
        """Whether anybody still waits."""
        return any(not future.done() for *_, future in self.heap)

    def push(self, priority: int = 5, flow: str = "") -> asyncio.Future[int]:
        """Join; the future is given the id of the span that let it go on."""
        if not self.heap:
            self._tags.clear()
            self._passed.clear()
        place = (priority, flow)
        passed = self._passed.get(priority, 0)
        tag = self._tags[place] = max(passed, self._tags.get(place, 0)) + 1
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self.heap, (priority, tag, next(self._order), future))
        return future

    def peek(self) -> asyncio.Future[int] | None:
        """Whose turn it is, left where it is."""
        while self.heap and self.heap[0][-1].done():
            heapq.heappop(self.heap)
        return self.heap[0][-1] if self.heap else None

    def pop(self) -> asyncio.Future[int] | None:
        """Whose turn it is, taken out; those that were cancelled are passed over."""
        while self.heap:
            priority, tag, _, future = heapq.heappop(self.heap)
            if not future.done():
                self._passed[priority] = tag
                return future
        return None
