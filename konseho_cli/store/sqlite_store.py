"""The store in one SQLite file: a thread that writes, a thread that reads, and no wait on the loop.

All writes that wait at the same time are one transaction. What is decided is decided on the loop,
between two transactions, so that there is nothing to lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.base import (
    EventKept,
    Note,
    Record,
    RunEnded,
    RunRow,
    SpanKept,
    StoredRun,
    Wanted,
)
from konseho_cli.store.database import Sync
from konseho_cli.store.line import Line, Waiting
from konseho_cli.store.reading import Reader
from konseho_cli.store.writer import Writer

T = TypeVar("T")

_SOON_S = 0.05
"""What nobody waits for is written after so many seconds, or when there is enough of it."""
_CHECKPOINT_EVERY = 300
"""Transactions. Each leaves pages in a log; to move them over takes a sync, which no writer is to
wait for, so the thread that reads does it."""


class SqliteStore:
    """A `Store`. Nothing is opened before `open`, or before it is first used.

    Beside it a `CacheTier` may use the same file, and other processes too.
    """

    __slots__ = (
        "_busy", "_closing", "_commits", "_failure", "_idle", "_line", "_planned", "_reader", "_reading",
        "_timer", "_writer", "_writing", "path",
    )  # fmt: skip

    def __init__(self, path: Path, *, sync: Sync = "normal") -> None:
        """`sync`: `full` outlives a loss of power too, and each commit takes milliseconds."""
        self.path = path
        self._writer = Writer(path, sync)
        self._reader = Reader(path)
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._line = Line()
        self._failure: StoreFailed | None = None
        """Of what nobody waited for, until somebody is told."""
        self._commits = 0
        self._planned = self._busy = self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.Future[None] | None = None
        """Who waits until all is written."""

    async def open(self) -> Self:
        """Open the file, or make it. Raises StoreFailed, and then does so for ever."""
        await self._on(self._writing, self._writer.open)
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    # ------------------------------------------------------------------ writing

    async def write(self, records: Sequence[Record]) -> None:
        """Keep all of them or none, in one transaction with whatever else waits."""
        self._raise_failure()
        if self._closing:
            raise StoreFailed(f"{self.path} is closed")
        if any(isinstance(record, RunEnded) for record in records):
            records = [*self._line.rest(), *records]
        loop = asyncio.get_running_loop()
        waiting = Waiting(records, loop.create_future())
        self._line.wait(waiting)
        if not self._planned and not self._busy:
            self._planned = True
            loop.call_soon(self._go_on)  # after all that come at this moment
        await waiting.done

    def soon(self, records: Sequence[Record]) -> None:
        """Keep them when nobody waits for anything else."""
        try:
            if self._closing:
                raise StoreFailed(f"{self.path} is closed")
            self._line.add(records)
        except StoreFailed as error:
            self._failure = self._failure or error
        if self._timer is None and not self._closing:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._hasten)
        elif not self._busy and self._line.pressing:
            self._go_on()

    async def aclose(self) -> None:
        """Write what is left, and let go. Raises StoreFailed where nobody was told of one yet."""
        if self._closing:
            return
        self._closing = True
        try:
            self._line.hasten()
            self._go_on()
            if self._busy:
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle
            await self._on(self._reading, self._reader.close)
            await self._on(self._writing, self._writer.close)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for thread, side in ((self._writing, self._writer), (self._reading, self._reader)):
                thread.submit(side.close)  # where the wait for it was cut short
                thread.shutdown(wait=False)
        self._raise_failure()

    async def remove(self, runs: Sequence[str]) -> int:
        """Forget runs with all that belongs to them; how many there were."""
        return await self._on(self._writing, self._writer.remove, runs)

    async def note(self, note: Note) -> None:
        """Keep it."""
        await self._on(self._writing, self._writer.note, note)

    async def forget(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        return await self._on(self._writing, self._writer.forget, kind, name)

    # ------------------------------------------------------------------ reading

    async def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first."""
        return await self._on(self._reading, self._reader.runs, wanted)

    async def load(self, run: str) -> StoredRun | None:
        """One run by its whole id; None: there is none."""
        return await self._on(self._reading, self._reader.load, run)

    async def trace(self, run: str) -> tuple[list[SpanKept], list[EventKept]]:
        """The spans by id, and the events by time."""
        return await self._on(self._reading, self._reader.trace, run)

    async def notes(self, kind: str) -> list[Note]:
        """All of a kind, by name."""
        return await self._on(self._reading, self._reader.notes, kind)

    # ------------------------------------------------------------------ within

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work, *given)

    def _hasten(self) -> None:
        self._timer = None
        self._line.hasten()
        if not self._busy:
            self._go_on()

    def _go_on(self) -> None:
        """Give the thread what is next, if it has nothing to do."""
        self._planned = False
        if self._busy:
            return
        taken = self._line.next()
        if not taken:
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            return
        self._busy = True
        waiting = [each for each in taken if isinstance(each, Waiting)]
        batches = [each.records for each in waiting] or [cast("list[Record]", taken)]
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._writing, self._writer.commit, batches)
        future.add_done_callback(lambda done: self._written(done, waiting))

    def _written(
        self, done: asyncio.Future[list[StoreFailed | None]], waiting: list[Waiting]
    ) -> None:
        self._busy = False
        came: Sequence[BaseException | None]
        if done.cancelled():
            came = [StoreFailed(f"{self.path} was closed meanwhile")] * max(1, len(waiting))
        elif (error := done.exception()) is not None:
            came = [error] * max(1, len(waiting))
        else:
            came = done.result()
        for each, failure in zip(waiting, came, strict=False):
            if each.done.done():  # who waited was cancelled, so whoever comes next is told
                self._failure = self._failure or (None if failure is None else _as_ours(failure))
            elif failure is None:
                each.done.set_result(None)
            else:
                each.done.set_exception(failure)
        if not waiting and came[0] is not None:
            self._failure = self._failure or _as_ours(came[0])
        self._go_on()
        self._commits += 1
        if self._commits % _CHECKPOINT_EVERY == 0 and not self._closing:
            self._reading.submit(self._reader.checkpoint)  # it fails where the next commit does

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def _as_ours(error: BaseException) -> StoreFailed:
    return error if isinstance(error, StoreFailed) else StoreFailed(f"spans are lost: {error!r}")
