"""The table of answers behind one worker thread: the loop waits for what it reads, and only that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.cache_table import CacheTable

_SOON_S = 0.05
_TOGETHER = 64
"""What is put is written after so many seconds, or when there is so much of it."""


class CacheTier:
    """The tier of a response cache that outlives the process.

    The database is opened by the first answer that is looked for. What is put is written by the
    thread, in order; the first failure is kept and raised by whatever waits next, and from then on
    nothing is tried.
    """

    __slots__ = (
        "_failure",
        "_find",
        "_new",
        "_open",
        "_table",
        "_thread",
        "_timer",
        "_wall",
        "_works",
    )

    def __init__(
        self,
        find: Callable[[], Path],
        wall: Callable[[], float],
        table: Callable[[Path, Callable[[], float]], CacheTable] = CacheTable,
    ) -> None:
        """`find`: where the database is or would be; called when it is needed."""
        self._open = table
        self._find = find
        self._wall = wall
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cache")
        self._table: CacheTable | None = None
        self._failure: StoreFailed | None = None
        self._works: list[Callable[[CacheTable], object]] = []
        """What the thread is to do soon."""
        self._new: dict[bytes, bytes | None] = {}
        """The values that are among it; None: forgotten."""
        self._timer: asyncio.TimerHandle | None = None

    async def get(self, key: bytes) -> bytes | None:
        """The value. Raises StoreFailed."""
        if key in self._new:
            return self._new[key]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._get, key)

    def put(self, key: bytes, value: bytes, *, model: str, about: str, tokens: int) -> None:
        """Keep a value, soon."""
        self._new[key] = value
        self._soon(lambda table: table.put(key, value, model=model, about=about, tokens=tokens))

    def drop(self, key: bytes) -> None:
        """Forget a value, soon."""
        self._new[key] = None
        self._soon(lambda table: table.drop(key))

    def count(self, *, hits: int, misses: int, saved_tokens: int, saved_cost: Decimal) -> None:
        """Add to the totals, soon."""
        self._soon(
            lambda table: table.count(
                hits=hits, misses=misses, saved_tokens=saved_tokens, saved_cost=saved_cost
            )
        )

    async def aclose(self) -> None:
        """Write what was put, and let go. Raises StoreFailed where any of it was not written."""
        self._hand_over()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        finally:
            self._thread.shutdown(wait=False)

    def _soon(self, work: Callable[[CacheTable], object]) -> None:
        """Let the thread do it, together with what else comes soon: a commit costs the most."""
        self._works.append(work)
        if len(self._works) >= _TOGETHER:
            self._hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._hand_over)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._works:
            works, self._works, self._new = self._works, [], {}
            self._thread.submit(self._do, works)

    # ------------------------------------------------------------------ on the thread

    def _get(self, key: bytes) -> bytes | None:
        if self._failure is not None:
            raise self._failure
        try:
            return self._opened().get(key)
        except StoreFailed as error:
            self._failure = error  # a file that somebody holds is waited for once, not every time
            raise

    def _do(self, works: Sequence[Callable[[CacheTable], object]]) -> None:
        if self._failure is not None:
            return
        try:
            self._opened().together(works)
        except StoreFailed as error:
            self._failure = error

    def _close(self) -> None:
        table, self._table = self._table, None
        try:
            if table is not None:
                table.close()
        finally:
            if self._failure is not None:
                raise self._failure

    def _opened(self) -> CacheTable:
        if self._table is None:
            self._table = self._open(self._find(), self._wall)
        return self._table
