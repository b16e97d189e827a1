from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.database import Database
from konseho_cli.store.tables import MIGRATIONS


def test_a_new_database_is_brought_up_to_date_and_is_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "konseho.db"
    database = Database(path)
    assert database.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    database.close()


def test_it_is_opened_again_with_what_was_in_it(tmp_path: Path) -> None:
    first = Database(tmp_path / "konseho.db")
    assert first.change("UPDATE cache_totals SET hits = 7") == 1
    first.close()
    second = Database(tmp_path / "konseho.db")
    assert second.rows("SELECT hits FROM cache_totals") == [(7,)]
    second.close()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "konseho.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreFailed, match="written by a newer Konseho") as caught:
        Database(path)
    assert "update Konseho" in str(caught.value.hint)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (999,)
    connection.close()


def test_what_is_no_database_says_so_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "konseho.db"
    path.write_bytes(b"this is not SQLite" * 100)
    with pytest.raises(StoreFailed, match="not a database") as caught:
        Database(path)
    assert f"move {path} away" in str(caught.value.hint)


def test_a_place_that_cannot_be_written_is_a_store_that_failed(tmp_path: Path) -> None:
    (tmp_path / "konseho.db").mkdir()
    with pytest.raises(StoreFailed, match=r"konseho\.db"):
        Database(tmp_path / "konseho.db")


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "konseho.db")

    def half() -> None:
        with database.transaction():
            database.change("UPDATE cache_totals SET hits = 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert database.rows("SELECT hits FROM cache_totals") == [(0,)]
    with database.transaction():
        database.change("UPDATE cache_totals SET hits = 1")
    assert database.rows("SELECT hits FROM cache_totals") == [(1,)]
    database.close()


COUNT = """\
import sys
from pathlib import Path
from konseho_cli.store.database import Database
for _ in range(20):
    database = Database(Path(sys.argv[1]))
    for _ in range(5):
        database.change("UPDATE cache_totals SET hits = hits + 1")
    database.close()
"""


def test_processes_that_make_and_use_it_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "konseho.db"
    command = [sys.executable, "-c", COUNT, str(path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [each.communicate()[1] for each in running]
    assert [each.returncode for each in running] == [0] * 4, said
    database = Database(path)
    assert database.rows("SELECT hits FROM cache_totals") == [(400,)]
    database.close()
