"""Answers in memory: the least recently used go first, the old ones in any case."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from cachetools import TTLCache

MOST_BYTES = 64 * 2**20
TTL_NS = 3600 * 10**9
"""An hour; what is older is asked of the tier below, which keeps it longer."""
_OVERHEAD = 300
"""Bytes that an entry takes beside its value: its key, its place in two tables."""


class MemoryTier:
    """Bytes by key, bounded by entries and by bytes. Shared by threads, each with its own loop."""

    __slots__ = ("_entries", "_kept", "_lock")

    def __init__(
        self,
        now: Callable[[], int],
        *,
        entries: int,
        most_bytes: int = MOST_BYTES,
        ttl_ns: int = TTL_NS,
    ) -> None:
        """`now`: nanoseconds on a clock that never goes back."""
        self._entries = entries
        self._lock = Lock()
        self._kept: TTLCache[bytes, bytes] = TTLCache(
            maxsize=most_bytes, ttl=ttl_ns, timer=now, getsizeof=_size
        )

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._kept)

    def get(self, key: bytes) -> bytes | None:
        """The value; None where there is none any more."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value; one that is larger than all there is room for is not."""
        kept = self._kept
        if self._entries <= 0 or _size(value) > kept.maxsize:
            return
        with self._lock:
            kept[key] = value
            while len(kept) > self._entries:
                kept.popitem()

    def drop(self, key: bytes) -> None:
        """Forget one."""
        with self._lock:
            self._kept.pop(key, None)


def _size(value: bytes) -> int:
    return len(value) + _OVERHEAD
