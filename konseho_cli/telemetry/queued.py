"""A queue between the bus and a consumer that takes its time: the run waits for nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from konseho_cli.telemetry.events import Event, Warned

MOST = 10_000
"""Events that wait for a consumer, where nothing else is said."""


class EventQueue:
    """A listener with an `async for` at its other end. Full, it drops the oldest and counts them.

    One consumer, on the loop of the run. It ends once `close` was called and all is taken.
    """

    __slots__ = ("_closed", "_events", "_news", "_told", "dropped", "most")

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.dropped = 0
        """Events that nobody took in time."""
        self._events: deque[Event] = deque(maxlen=most)
        self._news = asyncio.Event()
        self._closed = False
        self._told = False

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        self.dropped += max(0, len(self._events) + len(batch) - self.most)
        self._events.extend(batch)
        self._news.set()

    def __len__(self) -> int:
        return len(self._events)

    def close(self) -> None:
        """No more events come."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        """The oldest event that is there, in the order of the run; where some are gone, word of it."""
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        if self.dropped and not self._told:
            self._told = True
            message = "events come faster than they are read: from here on the oldest are dropped"
            return Warned(at=self._events[0].at, message=message)
        return self._events.popleft()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the outcome should say about it."""
        if not self.dropped:
            return ()
        return (f"{self.dropped:,} events were dropped: they came faster than they were read",)
