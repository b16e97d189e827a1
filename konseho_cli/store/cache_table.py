"""The tables `cache` and `results`: what was answered, by key, bounded by age, entries and bytes.

Nothing here awaits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Self

import msgspec

from konseho_cli.core.packing import expand, squeeze
from konseho_cli.store.database import Database
from konseho_cli.store.location import make_room

ENTRIES = 10_000
MOST_BYTES = 256 * 2**20
TTL_S = 30 * 86400.0
RESULTS, RESULTS_TTL_S = 1000, 3600.0
"""Of programs: how many are kept, and for how many seconds."""
_LARGEST = 64 * 2**20
"""Bytes that one value may unpack to."""
_EVICT_EVERY = 256
"""Values that are put until the bounds are looked at."""
_NANO = Decimal(10**9)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, as people see it."""

    model: str
    about: str
    tokens: int
    hits: int
    size: int
    """Bytes on disk."""
    created: float
    """Seconds since the epoch."""
    used: float


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table, and what it did over all runs."""

    entries: int = 0
    size: int = 0
    oldest: float | None = None
    """Seconds since the epoch."""
    hits: int = 0
    misses: int = 0
    saved_tokens: int = 0
    saved_cost: Decimal = Decimal(0)
    """Dollars."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are meant: all of these hold. Patterns are those of a shell."""

    model: str | None = None
    pattern: str | None = None
    """Of anything in the question's beginning; upper and lower case are the same."""
    older_than_s: float | None = None
    """Seconds since it was made."""


_FIELDS = Kept.__struct_fields__
_SEEN = ", ".join(_FIELDS)
_WHERE = """
    (:model IS NULL OR fits(model, :model)) AND
    (:pattern IS NULL OR fits(folded(about), folded(:pattern))) AND
    (:before IS NULL OR created < :before)
"""


class CacheTable:
    """The answers that are kept in one database. Raises StoreFailed, all of it."""

    __slots__ = (
        "_database", "_entries", "_most_bytes", "_name", "_put", "_touched", "_ttl_s", "_wall",
    )  # fmt: skip

    def __init__(
        self,
        file: Path,
        wall: Callable[[], float],
        *,
        entries: int = ENTRIES,
        most_bytes: int = MOST_BYTES,
        ttl_s: float = TTL_S,
        name: Literal["cache", "results"] = "cache",
    ) -> None:
        make_room(file)
        self._name = name
        self._database = Database(file, functions={"fits": fnmatchcase, "folded": str.casefold})
        self._wall = wall
        self._entries = entries
        self._most_bytes = most_bytes
        self._ttl_s = ttl_s
        self._put = 0
        self._touched: dict[bytes, tuple[int, float]] = {}

    @classmethod
    def of_results(cls, file: Path, wall: Callable[[], float]) -> Self:
        """The results of programs, which are kept for a shorter time."""
        return cls(file, wall, entries=RESULTS, ttl_s=RESULTS_TTL_S, name="results")

    def get(self, key: bytes) -> bytes | None:
        """The value; None: there is none, it is too old, or it cannot be unpacked."""
        now = self._wall()
        found = self._database.rows(
            f"SELECT value FROM {self._name} WHERE key = ? AND created >= ?",
            (key, now - self._ttl_s),
        )
        value = _unpacked(found[0][0]) if found else None
        if value is not None:
            hits, _ = self._touched.get(key, (0, now))
            self._touched[key] = (hits + 1, now)
        return value

    def put(self, key: bytes, value: bytes, *, model: str, about: str, tokens: int) -> None:
        """Keep a value, in the place of what was there."""
        now, packed = self._wall(), squeeze(value)
        self._database.change(
            f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (key, packed, len(packed), model, about, tokens, now, now),
        )
        self._put += 1

    def together(self, works: Iterable[Callable[[CacheTable], object]]) -> None:
        """Do all of it in one transaction: a commit costs more than what is in it."""
        with self._database.transaction():
            for work in works:
                work(self)
        if self._put >= _EVICT_EVERY:
            self.evict()

    def drop(self, key: bytes) -> None:
        """Forget one."""
        self._database.change(f"DELETE FROM {self._name} WHERE key = ?", (key,))

    def count(self, *, hits: int, misses: int, saved_tokens: int, saved_cost: Decimal) -> None:
        """Add to the totals."""
        self._database.change(
            f"UPDATE {self._name}_totals SET hits = hits + ?, misses = misses + ?, "
            "saved_tokens = saved_tokens + ?, saved_nanodollars = saved_nanodollars + ?",
            (hits, misses, saved_tokens, int(saved_cost * _NANO)),
        )

    def evict(self) -> None:
        """Forget what is too old, and of what is too much the least recently used."""
        self._put = 0
        self._write_touches()
        self._database.change(
            f"DELETE FROM {self._name} WHERE created < ?",
            (self._wall() - self._ttl_s,),
        )
        ((entries, size),) = self._database.rows(f"SELECT count(*), total(size) FROM {self._name}")
        if entries > self._entries or size > self._most_bytes:
            self._database.change(
                f"DELETE FROM {self._name} WHERE rowid IN (SELECT rowid FROM (SELECT rowid, "
                "row_number() OVER latest AS place, sum(size) OVER latest AS together "
                f"FROM {self._name} WINDOW latest AS (ORDER BY used DESC, rowid DESC)) "
                "WHERE place > ? OR together > ?)",
                (self._entries, self._most_bytes),
            )

    def totals(self) -> Totals:
        """Of the table, and over all runs."""
        ((entries, size, oldest),) = self._database.rows(
            f"SELECT count(*), coalesce(sum(size), 0), min(created) FROM {self._name}"
        )
        ((hits, misses, saved_tokens, nanodollars),) = self._database.rows(
            "SELECT total(hits), total(misses), total(saved_tokens), total(saved_nanodollars) "
            f"FROM {self._name}_totals"
        )
        return Totals(
            entries=entries, size=size, oldest=oldest, hits=int(hits), misses=int(misses),
            saved_tokens=int(saved_tokens), saved_cost=Decimal(int(nanodollars)) / _NANO,
        )  # fmt: skip

    def list(self, wanted: Filter) -> list[Kept]:
        """The entries that are meant, newest first."""
        found = self._database.rows(
            f"SELECT {_SEEN} FROM {self._name} WHERE {_WHERE} ORDER BY created DESC, rowid DESC",
            self._values(wanted),
        )
        return [Kept(**dict(zip(_FIELDS, row, strict=True))) for row in found]

    def clear(self, wanted: Filter) -> int:
        """Forget the entries that are meant, and give their room back; how many there were."""
        gone = self._database.change(
            f"DELETE FROM {self._name} WHERE {_WHERE}",
            self._values(wanted),
        )
        self._database.rows("PRAGMA incremental_vacuum")
        self._database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def close(self) -> None:
        """Write down what was used, keep to the bounds, and let go."""
        try:
            if self._put:
                self.evict()
            else:
                self._write_touches()
        finally:
            self._database.close()

    def _write_touches(self) -> None:
        touched, self._touched = self._touched, {}
        if not touched:
            return
        with self._database.transaction():
            for key, (hits, used) in touched.items():
                self._database.change(
                    f"UPDATE {self._name} SET hits = hits + ?, used = max(used, ?) WHERE key = ?",
                    (hits, used, key),
                )

    def _values(self, wanted: Filter) -> dict[str, str | float | None]:
        older = wanted.older_than_s
        return {
            "model": wanted.model,
            "pattern": None if wanted.pattern is None else f"*{wanted.pattern}*",
            "before": None if older is None else self._wall() - older,
        }


def _unpacked(packed: object) -> bytes | None:
    """None for what was not packed here, or is larger than anything that was."""
    if not isinstance(packed, bytes):
        return None
    try:
        return expand(packed, largest=_LARGEST)
    except ValueError:
        return None
