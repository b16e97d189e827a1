"""What is read of runs in SQLite. Nothing here awaits; all of it raises StoreFailed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from konseho_cli.store import rows
from konseho_cli.store.base import (
    CallKept,
    EventKept,
    Note,
    RunEnded,
    RunRow,
    SpanKept,
    StepKept,
    StoredRun,
    Wanted,
)
from konseho_cli.store.database import Database

_BEGAN = rows.BEGAN
_ENDED = rows.columns(RunEnded)
_RUNS = f"""
    SELECT {", ".join((*_BEGAN, *_ENDED))} FROM runs
    WHERE substr(run, 1, length(:prefix)) = :prefix
    AND (:council IS NULL OR fits(council, :council))
    AND (:status = '[]'
         OR coalesce(status, 'unfinished') IN (SELECT value FROM json_each(:status)))
    AND (:since IS NULL OR started >= :since)
    AND (:before IS NULL OR started < :before)
    ORDER BY started DESC, run DESC LIMIT :limit
"""  # noqa: S608 - constants
# People and programs are no calls, wherever calls are counted.
_SUMS = """
    SELECT run, sum(model <> 'human' AND model NOT LIKE 'human:%' AND model NOT LIKE 'command:%'), sum(input_tokens), sum(output_tokens),
        coalesce(sum(nanodollars), 0), sum(nanodollars IS NULL)
    FROM calls WHERE run IN (SELECT value FROM json_each(?)) GROUP BY run
"""
_NO_LIMIT = -1


class Reader:
    """One connection that reads; it is opened by its first use, and makes no file where none is."""

    __slots__ = ("_database", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None

    def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first."""
        database = self._opened()
        if database is None:
            return []
        with database.snapshot():
            found = database.rows(
                _RUNS,
                {
                    "prefix": wanted.prefix,
                    "council": wanted.council,
                    "status": json.dumps(wanted.status),
                    "since": wanted.since,
                    "before": wanted.before,
                    "limit": _NO_LIMIT if wanted.limit is None else wanted.limit,
                },
            )
            return _rows_of_runs(database, found)

    def load(self, run: str) -> StoredRun | None:
        """One run by its whole id; None: there is none."""
        database = self._opened()
        if database is None:
            return None
        with database.snapshot():
            found = database.rows(
                f"SELECT {', '.join((*_BEGAN, *_ENDED))} FROM runs WHERE run = ?",  # noqa: S608
                (run,),
            )
            if not found:
                return None
            (row,) = _rows_of_runs(database, found)
            return StoredRun(
                row=row,
                steps=tuple(
                    map(rows.read_step, _all_of(database, StepKept, run, "position, step"))
                ),
                calls=tuple(map(rows.read_call, _all_of(database, CallKept, run, "number"))),
            )

    def trace(self, run: str) -> tuple[list[SpanKept], list[EventKept]]:
        """The spans by id, and the events by time."""
        database = self._opened()
        if database is None:
            return [], []
        with database.snapshot():
            return (
                [*map(rows.read_span, _all_of(database, SpanKept, run, "id"))],
                [*map(rows.read_event, _all_of(database, EventKept, run, "at, number"))],
            )

    def notes(self, kind: str) -> list[Note]:
        """All of a kind, by name."""
        database = self._opened()
        if database is None:
            return []
        found = database.rows(
            "SELECT kind, name, made, body FROM notes WHERE kind = ? ORDER BY name", (kind,)
        )
        return [
            Note(kind=kind, name=name, made=made, body=body) for kind, name, made, body in found
        ]

    def checkpoint(self) -> None:
        """Move what was committed from the log to its place, while others write."""
        database = self._opened()
        if database is not None:
            database.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Let go."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _opened(self) -> Database | None:
        if self._database is None and self._path.exists():
            self._database = Database(self._path, functions={"fits": fnmatchcase})
        return self._database


def _all_of(database: Database, kind: type[Any], run: str, order: str) -> list[Any]:
    return database.rows(
        f"SELECT {', '.join(rows.columns(kind))} FROM {rows.TABLES[kind]} "  # noqa: S608 - constants
        f"WHERE run = ? ORDER BY {order}",
        (run,),
    )


def _rows_of_runs(database: Database, found: Iterable[Sequence[Any]]) -> list[RunRow]:
    found = list(found)
    ids = json.dumps([row[0] for row in found])
    sums = {run: rest for run, *rest in database.rows(_SUMS, (ids,))}
    made = []
    for row in found:
        calls, read, written, nanos, unpriced = sums.get(row[0], (0, 0, 0, 0, 0))
        made.append(
            RunRow(
                began=rows.read_began(row[: len(_BEGAN)]),
                ended=rows.read_ended(row[len(_BEGAN) :]),
                calls=calls,
                input_tokens=read,
                output_tokens=written,
                cost=rows.dollars(nanos) or Decimal(0),
                unpriced=unpriced,
            )
        )
    return made
