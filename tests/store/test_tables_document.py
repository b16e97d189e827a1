"""docs/store.md shows the tables as they are, and its questions have answers."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

from konseho_cli.store.database import Database
from konseho_cli.store.sqlite_store import SqliteStore
from konseho_cli.store.tables import MIGRATIONS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^```sql\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
(SCHEMA,) = re.findall(r"^```sql schema\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' "
        "ORDER BY name"
    ).fetchall()
    return [(name, " ".join(sql.split())) for name, sql in found]


def test_the_document_shows_the_tables_that_are_made(tmp_path: Path) -> None:
    Database(tmp_path / "a.db").close()
    real, shown = sqlite3.connect(tmp_path / "a.db"), sqlite3.connect(":memory:")
    shown.executescript(SCHEMA)
    assert tables(shown) == tables(real)
    real.close()
    shown.close()


def test_it_shows_them_with_all_that_is_said_of_them() -> None:
    made = [each for step in MIGRATIONS for each in step if each.lstrip().startswith("CREATE")]
    assert "\n\n".join(f"{dedent(each).strip()};" for each in made) + "\n" == SCHEMA


@pytest.mark.parametrize("number", range(5))
def test_each_question_has_an_answer(tmp_path: Path, kept: SimpleNamespace, number: int) -> None:
    async def fill() -> None:
        async with SqliteStore(tmp_path / "a.db") as store:
            await store.write([kept.began(started=4e9), kept.call(), kept.span(), kept.ended()])

    asyncio.run(fill())
    connection = sqlite3.connect(tmp_path / "a.db")
    found = connection.execute(QUESTIONS[number]).fetchall()
    connection.close()
    assert len(found) == 1
    assert None not in found[0]


def test_a_file_of_the_first_version_is_brought_up_to_date_with_its_answers(
    tmp_path: Path,
) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO cache VALUES (x'01', x'00', 1, 'm', 'a', 1, 1.0, 1.0, 0)")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    database = Database(tmp_path / "a.db")
    assert database.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert database.rows("SELECT count(*) FROM cache") == [(1,)]
    assert database.rows("SELECT count(*) FROM runs") == [(0,)]
    database.close()
