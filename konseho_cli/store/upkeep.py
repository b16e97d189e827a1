"""The database looked over, and its unused room given back. Nothing here awaits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.packing import expand, unpack
from konseho_cli.store.database import Database

MOST_PROBLEMS = 20
_TABLES = ("runs", "steps", "calls", "spans", "events", "notes", "cache")
_PACKED = {
    "runs.document": "SELECT run, document FROM runs",
    "runs.body": "SELECT run, body FROM runs WHERE body IS NOT NULL",
    "steps.body": "SELECT run || ' ' || step, body FROM steps",
    "calls.body": "SELECT run || ' ' || path || ' ' || agent, body FROM calls",
    "notes.body": "SELECT kind || ' ' || name, body FROM notes",
}


class TableSize(msgspec.Struct, frozen=True, kw_only=True):
    """One table."""

    name: str
    rows: int | None
    """None: they cannot be counted any more."""
    size: int | None
    """Bytes with its indices; None: this SQLite cannot tell."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    version: int
    """`user_version`: how many migrations it has seen."""
    size: int
    """Bytes of the file and its log."""
    unused: int
    """Bytes of it that `vacuum` would give back."""
    tables: tuple[TableSize, ...]
    problems: tuple[str, ...]
    """At most `MOST_PROBLEMS`; empty: all is well."""


class Vacuumed(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the file and its log."""

    before: int
    after: int


def check(path: Path) -> Health:
    """Look at all of it: the file's structure, its references, and every body.

    Raises StoreFailed for what is not there, cannot be opened, or is of a newer Konseho.
    """
    with closing(_opened(path)) as database:
        return Health(
            version=_number(database, "PRAGMA user_version"),
            size=size_of(path),
            unused=_number(database, "PRAGMA freelist_count")
            * _number(database, "PRAGMA page_size"),
            tables=tuple(_table(database, name) for name in _TABLES),
            problems=tuple(_problems(database)),
        )


def vacuum(path: Path) -> Vacuumed:
    """Write the file anew without its gaps. Raises StoreFailed, also where others hold it."""
    with closing(_opened(path)) as database:
        before = size_of(path)
        database.rows("VACUUM")
        database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return Vacuumed(before=before, after=size_of(path))


def size_of(path: Path) -> int:
    """Bytes of the file and its log."""
    found = (path, path.with_name(f"{path.name}-wal"))
    return sum(os.path.getsize(file) for file in found if file.exists())


def _opened(path: Path) -> Database:
    if not path.exists():
        raise StoreFailed(f"there is no store at {path}", hint="`konseho run` makes one")
    return Database(path)


def _number(database: Database, statement: str) -> int:
    return int(database.rows(statement)[0][0])


def _table(database: Database, name: str) -> TableSize:
    rows = size = None
    try:
        rows = _number(database, f"SELECT count(*) FROM {name}")  # noqa: S608 - a constant
        size = _number(
            database,
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN "  # noqa: S608
            f"(SELECT name FROM sqlite_schema WHERE tbl_name = '{name}')",
        )
    except StoreFailed:  # it is broken, which is told elsewhere, or this SQLite has no dbstat
        pass
    return TableSize(name=name, rows=rows, size=size)


def _problems(database: Database) -> list[str]:
    found: list[str] = []
    for problem in _all_problems(database):
        found.append(problem)
        if len(found) == MOST_PROBLEMS:
            break
    return found


def _all_problems(database: Database) -> Iterator[str]:
    try:
        for (said,) in database.rows(f"PRAGMA integrity_check({MOST_PROBLEMS})"):
            if said != "ok":
                yield from str(said).splitlines()
        for table, _, parent, _ in database.rows("PRAGMA foreign_key_check"):
            yield f"{table}: a row without its {parent}"
    except StoreFailed as error:
        yield str(error)
    for place, statement in _PACKED.items():
        yield from _packed_problems(database, place, statement)
    yield from _cache_problems(database)


def _packed_problems(database: Database, place: str, statement: str) -> Iterator[str]:
    try:
        for name, body in database.each(statement):
            try:
                unpack(body)
            except ValueError as error:
                yield f"{place} of {name}: {error}"
    except StoreFailed as error:
        yield f"{place}: {error}"


def _cache_problems(database: Database) -> Iterator[str]:
    try:
        for key, value in database.each("SELECT hex(key), value FROM cache"):
            try:
                expand(value)
            except ValueError as error:
                yield f"cache.value of {key}: {error}"
    except StoreFailed as error:
        yield f"cache.value: {error}"
