"""One SQLite file: opened, brought up to date, and its errors translated. Nothing here awaits."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from inspect import signature
from pathlib import Path
from typing import Any, Literal, TypeAlias

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.tables import MIGRATIONS

BUSY_S = 2.0
"""How long a writer waits for another process."""
Sync: TypeAlias = Literal["normal", "full"]
"""What a commit outlives: `normal` a kill of the process, `full` a loss of power too."""
_PAUSE_S = 0.02


class Database:
    """A connection. Use it on the thread that made it; several processes may have one each."""

    __slots__ = ("_connection", "_path")

    def __init__(
        self,
        path: Path,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        sync: Sync = "normal",
    ) -> None:
        """Open, or make, and bring it up to date; `functions` of texts are for its statements.

        Raises StoreFailed.
        """
        self._path = path
        with self._translated():
            _make_private(path)
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            with self._translated():
                self._prepare(sync)
                for name, function in (functions or {}).items():
                    arguments = len(signature(function).parameters)
                    self._connection.create_function(name, arguments, function, deterministic=True)
        except BaseException:
            self._connection.close()
            raise

    def rows(self, statement: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> list[Any]:
        """What a statement finds. Raises StoreFailed."""
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def each(self, statement: str) -> Iterator[Any]:
        """What a statement finds, row by row. Raises StoreFailed."""
        with self._translated():
            yield from self._connection.execute(statement)

    def change(self, statement: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> int:
        """How many rows a statement changed. Raises StoreFailed."""
        with self._translated():
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; other writers wait. Raises StoreFailed."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(StoreFailed):  # a full disk has rolled back already
                self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read within is of one moment; nobody waits. Raises StoreFailed."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            self.rows("ROLLBACK")

    def wait_for_others(self, seconds: float) -> None:
        """How long a statement waits for another process, instead of `BUSY_S`."""
        self.rows(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def close(self) -> None:
        """Let go. Raises StoreFailed."""
        with self._translated():
            self._connection.close()

    def _prepare(self, sync: Sync) -> None:
        connection = self._connection
        if self._version() == 0:  # before there is any table; later it would only wait for a lock
            _patiently(connection, "PRAGMA auto_vacuum = INCREMENTAL")
        _patiently(connection, "PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {sync}")
        connection.execute("PRAGMA foreign_keys = ON")
        if self._version() != len(MIGRATIONS):
            with self.transaction():
                self._migrate()

    def _migrate(self) -> None:
        done = self._version()  # read again: another process may have been first
        if done > len(MIGRATIONS):
            raise StoreFailed(
                f"{self._path} was written by a newer Konseho",
                hint="update Konseho, or name another file by --store or KONSEHO_STORE",
            )
        for migration in MIGRATIONS[done:]:
            for statement in migration:
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreFailed(f"{self._path}: {error}", hint=self._way_out(str(error))) from error
        except (UnicodeDecodeError, OverflowError) as error:  # what SQLite says of a broken file
            if "too large" in str(error):
                raise StoreFailed(f"{self._path}: a number is too large for it") from error
            hint = self._way_out("malformed")
            raise StoreFailed(f"{self._path}: the file is broken", hint=hint) from error
        except OSError as error:
            raise StoreFailed(f"{self._path}: {error.strerror or error}") from error

    def _way_out(self, said: str) -> str | None:
        if "malformed" in said or "not a database" in said:
            return f"move {self._path} away: a new one is made"
        if "locked" in said:
            return "another process holds it: try again when that is done"
        if "full" in said:
            return "make room on the disk"
        return None


def _make_private(path: Path) -> None:
    """Whatever the folder lets others see, the file is the user's own; so are its journals.

    Only where it is not there yet: to close a file drops all locks that this process has on it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """SQLite does not wait by itself where two processes make the same file at the same moment."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute(statement).fetchall()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
