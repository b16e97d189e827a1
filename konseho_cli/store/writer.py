"""What writes runs into SQLite: many writers' records in one transaction. Nothing here awaits."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store import rows
from konseho_cli.store.base import (
    CallKept,
    EventKept,
    Note,
    Record,
    RunBegan,
    RunEnded,
    SpanKept,
    StepKept,
)
from konseho_cli.store.database import Database, Sync
from konseho_cli.store.location import make_room
from konseho_cli.store.memory_store import begun_before, unknown_run

T = TypeVar("T")

_LOOK_EVERY = 64
"""Commits, until somebody looks whether the file is still there."""
PATIENCE_S = 20.0
"""How long a commit waits for other processes: it holds an answer that was paid for."""
_MOST_PAGES = 16_000
"""Of the write-ahead log: then the writer itself moves them over, as the reader did not keep up."""
_WITHOUT = "--no-store runs without it"
_Work = tuple[str, Sequence[Any]]
"""A statement and what is bound to it."""


class Writer:
    """One connection that writes; it is opened by its first use. All of it raises StoreFailed."""

    __slots__ = ("_commits", "_database", "_failure", "_path", "_place", "_sync")

    def __init__(self, path: Path, sync: Sync) -> None:
        self._path = path
        self._sync = sync
        self._database: Database | None = None
        self._failure: StoreFailed | None = None
        self._place: tuple[int, int] | None = None
        self._commits = 0

    def open(self) -> Database:
        """The database, opened. A failure is final: it was waited for long enough."""
        if self._failure is not None:
            raise self._failure
        if self._database is None:
            try:
                make_room(self._path)
                self._database = Database(self._path, sync=self._sync)
                self._database.wait_for_others(PATIENCE_S)
                self._database.rows(f"PRAGMA wal_autocheckpoint = {_MOST_PAGES}")
                self._place = _place(self._path)
            except StoreFailed as error:
                error.hint = "; ".join(filter(None, (error.hint, _WITHOUT)))
                self._failure = error
                raise
        return self._database

    def commit(self, batches: Sequence[Sequence[Record]]) -> list[StoreFailed | None]:
        """Keep each batch or none of it; what each came to, in order."""
        try:
            self._keep([record for batch in batches for record in batch])
            self._commits += 1
            if self._commits % _LOOK_EVERY == 0:
                self._look()
        except StoreFailed as error:
            if len(batches) == 1 or not isinstance(error, _Refused):
                return [error.told if isinstance(error, _Refused) else error] * len(batches)
            return [self.commit([batch])[0] for batch in batches]
        return [None] * len(batches)

    def remove(self, runs: Sequence[str]) -> int:
        """Forget runs, and give their room back; how many there were."""
        if not self._path.exists():
            return 0
        database = self.open()
        with database.transaction():
            gone = sum(database.change("DELETE FROM runs WHERE run = ?", (run,)) for run in runs)
        if gone:
            database.rows("PRAGMA incremental_vacuum")
        return gone

    def note(self, note: Note) -> None:
        """Keep it in the place of an earlier one."""
        self.open().change(rows.insertion(Note, 1), rows.values(Note, [note]))

    def forget(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        return bool(
            self.open().change("DELETE FROM notes WHERE kind = ? AND name = ?", (kind, name))
        )

    def close(self) -> None:
        """Let go."""
        database, self._database = self._database, None
        if database is not None:
            try:
                self._look()
            finally:
                database.close()

    def _look(self) -> None:
        """SQLite writes on into a file that has no name any more."""
        if _place(self._path) != self._place:
            raise StoreFailed(
                f"{self._path} was removed or replaced while it was written to",
                hint="what this run kept is lost",
            )

    def _keep(self, records: Sequence[Record]) -> None:
        database = self.open()
        works = _works(records)
        try:
            if len(works) == 1:  # a transaction by itself
                _do(database, works[0])
                return
            with database.transaction():
                for work in works:
                    _do(database, work)
        except StoreFailed as error:
            if isinstance(error, _Refused) or isinstance(error.__cause__, sqlite3.IntegrityError):
                raise _Refused(self._reason(records, error)) from error
            raise

    def _reason(self, records: Sequence[Record], error: StoreFailed) -> StoreFailed:
        """SQLite does not say whose rows it refused."""
        begun = {record.run for record in records if isinstance(record, RunBegan)}
        for run in dict.fromkeys(record.run for record in records):
            if run not in begun and not self.open().rows(
                "SELECT 1 FROM runs WHERE run = ?", (run,)
            ):
                return unknown_run(run)
        return error


def _place(path: Path) -> tuple[int, int] | None:
    """Which file it is; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Refused(StoreFailed):
    """The records themselves were at fault, and nobody else's."""

    def __init__(self, told: StoreFailed) -> None:
        super().__init__(str(told), hint=told.hint)
        self.told = told


def _works(records: Sequence[Record]) -> list[_Work]:
    """Runs first, in order, since all else belongs to one."""
    if not records:
        return []
    works: list[_Work] = []
    others: dict[type[Any], list[Any]] = {CallKept: [], StepKept: [], SpanKept: [], EventKept: []}
    for record in records:
        kind = type(record)
        if kind in others:
            others[kind].append(record)
        elif isinstance(record, RunBegan):
            works.append((rows.BEGIN, rows.begin_values(record)))
            if record.again:
                works.append((rows.FORGET, rows.forget_values(record)))
        elif isinstance(record, RunEnded):
            works.append((rows.END, rows.end_values(record)))
    for kind, found in others.items():
        works += [
            (rows.insertion(kind, len(portion)), rows.values(kind, portion))  # type: ignore[arg-type]
            for portion in rows.portions(kind, found)
        ]
    return works


def _do(database: Database, work: _Work) -> None:
    statement, bound = work
    try:
        changed = database.change(statement, bound)
    except UnicodeEncodeError:
        changed = database.change(statement, rows.printable(bound))
    if changed == 0 and statement is rows.END:
        raise _Refused(unknown_run(bound[-1]))
    if changed == 0 and statement is rows.BEGIN:
        raise _Refused(begun_before(bound[0]))
