"""What waits to be written, and what is written next. Pure: nothing here awaits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.base import Record

TOGETHER = 1000
"""Records of a transaction that nobody waits for."""
BEHIND = 50_000
"""So many of them may wait. Above it they go first, so that memory stays bounded."""
MOST = 1_000_000
"""Above it, which only somebody who never waits can reach, they are lost, and that is a failure."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records, and who waits for them."""

    records: Sequence[Record]
    done: asyncio.Future[None]


class Line:
    """Two queues: what somebody waits for, and what has time."""

    __slots__ = ("_due", "_later", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._later: deque[Record] = deque()
        self._due = False

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not self._waiting and not self._later

    @property
    def pressing(self) -> bool:
        """Whether there is enough of what has time."""
        return len(self._later) >= TOGETHER

    def wait(self, waiting: Waiting) -> None:
        """Somebody waits for it."""
        self._waiting.append(waiting)

    def add(self, records: Sequence[Record]) -> None:
        """It has time. Raises StoreFailed where there is far too much of it."""
        self._later.extend(records)
        if len(self._later) > MOST:
            lost = len(self._later)
            self._later.clear()
            raise StoreFailed(f"{lost:,} spans and events came faster than they could be kept")

    def rest(self) -> list[Record]:
        """All that has time, taken out: what is written now must not be kept without it."""
        rest = list(self._later)
        self._later.clear()
        return rest

    def hasten(self) -> None:
        """What has time had its time."""
        self._due = True

    def next(self) -> list[Waiting] | list[Record]:
        """What is to be written together, taken out; nothing: there is nothing to do yet."""
        if len(self._later) < BEHIND and self._waiting:
            waiting, self._waiting = self._waiting, []
            return waiting
        if not self._due and not self.pressing:
            return []
        taken = [self._later.popleft() for _ in range(min(TOGETHER, len(self._later)))]
        self._due = self._due and bool(self._later)
        return taken
