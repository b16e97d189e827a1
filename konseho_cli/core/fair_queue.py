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

    __slots__ = ("_heap", "_order", "_passed", "_tags")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, asyncio.Future[int]]] = []
        self._order = count()
        self._tags: dict[str, int] = {}
        self._passed = 0
        """The tag of whoever was served last: a flow that was away does not save up turns."""

    @property
    def waiting(self) -> bool:
        """Whether anybody still waits."""
        return any(not future.done() for *_, future in self._heap)

    def push(self, priority: int = 5, flow: str = "") -> asyncio.Future[int]:
        """Join; the future is given the id of the span that let it go on."""
        if not self._heap:
            self._tags.clear()
        tag = self._tags[flow] = max(self._passed, self._tags.get(flow, 0)) + 1
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (priority, tag, next(self._order), future))
        return future

    def peek(self) -> asyncio.Future[int] | None:
        """Whose turn it is, left where it is."""
        while self._heap and self._heap[0][-1].done():
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None

    def pop(self) -> asyncio.Future[int] | None:
        """Whose turn it is, taken out; those that were cancelled are passed over."""
        while self._heap:
            _, tag, _, future = heapq.heappop(self._heap)
            if not future.done():
                self._passed = max(self._passed, tag)
                return future
        return None
