from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


@pytest.fixture
def warm(konseho, council):
    """A council whose three answers are kept; its file."""
    file = council()
    ran = konseho("cache", "warm", file, "Tabs or spaces?", "-q")
    assert (ran.status, ran.out) == (0, "3 calls: 3 new, 0 already there\n")
    return file


def stats(konseho):
    return json.loads(konseho("cache", "stats", "--json").out)


def test_a_cache_that_nobody_filled_is_empty_and_is_not_made(konseho):
    assert stats(konseho)["entries"] == 0
    assert konseho("cache", "list").out == ""
    assert konseho("cache", "clear").out == "removed 0 answers\n"
    assert not Path(os.environ["KONSEHO_HOME"]).exists()


def test_a_run_after_warming_pays_nothing(konseho, warm):
    ran = konseho("run", warm, "Tabs or spaces?", "--cache", "--json")
    document = json.loads(ran.out)
    assert [call["source"] for call in document["calls"]] == ["cache"] * 3
    assert (document["cache"]["hits"], document["cache"]["misses"]) == (3, 0)
    assert (document["usage"]["output_tokens"], document["cost"]) == (0, 0.0)
    assert document["cache"]["saved_tokens"] > 0
    found = stats(konseho)
    assert (found["entries"], found["hits"], found["hit_rate"]) == (3, 3, 0.5)


def test_the_summary_says_what_came_from_the_cache(konseho, warm):
    said = konseho("run", warm, "Tabs or spaces?", "--cache").err
    assert "3 calls · 3 of 3 from cache · 0 tokens" in said
    assert "2 cached" in said


def test_a_plain_run_of_the_simulator_uses_no_cache(konseho, warm):
    document = json.loads(konseho("run", warm, "Tabs or spaces?", "--json").out)
    assert document["cache"] is None
    assert {call["source"] for call in document["calls"]} == {"model"}


def test_warming_again_finds_everything_there(konseho, warm):
    ran = konseho("cache", "warm", warm, "Tabs or spaces?")
    assert ran.out == "3 calls: 0 new, 3 already there\n"
    assert "both: parallel" in ran.err


def test_refresh_asks_again(konseho, warm):
    ran = konseho("run", warm, "Tabs or spaces?", "--cache", "--refresh", "--json")
    found = json.loads(ran.out)["cache"]
    assert (found["hits"], found["writes"]) == (0, 3)
    assert stats(konseho)["entries"] == 3


def test_entries_are_listed_by_what_describes_them(konseho, warm):
    assert len(konseho("cache", "list").out.splitlines()) == 3
    assert konseho("cache", "list", "--model", "openai:*").out == ""
    entries = json.loads(konseho("cache", "list", "--pattern", "# TASK*", "--json").out)["entries"]
    assert len(entries) == 3
    assert entries[0]["model"] == "sim:instant"


def test_entries_are_cleared_by_what_describes_them(konseho, warm):
    assert konseho("cache", "clear", "--older-than", "1h").out == "removed 0 answers\n"
    assert json.loads(konseho("cache", "clear", "-m", "sim*", "--json").out)["removed"] == 3
    assert stats(konseho)["entries"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cache", "clear", "--older-than", "soon"), "--older-than soon: expected a duration"),
        (("cache", "cleanse"), "No such command 'cleanse'"),
        (("cache", "warm", "nowhere.yaml"), "nowhere.yaml"),
        (("run", "quickstart", "x", "--no-cache", "--refresh"), "--no-cache keeps none"),
    ],
)
def test_what_cannot_be_meant_is_refused(konseho, arguments, said):
    ran = konseho(*arguments)
    assert ran.status == 2
    assert said in ran.err


def test_a_broken_database_fails_the_command_and_not_a_run(konseho, council):
    home = Path(os.environ["KONSEHO_HOME"])
    home.mkdir()
    (home / "konseho.db").write_bytes(b"junk" * 1000)
    ran = konseho("cache", "stats")
    assert (ran.status, "not a database" in ran.err) == (3, True)
    ran = konseho("run", council(), "--cache", "--no-store")
    assert ran.status == 0
    assert "warning: answers are not kept on disk" in ran.err
    ran = konseho("run", council())
    assert (ran.status, "a new one is made" in ran.err) == (3, True)


def test_a_newer_database_is_named_as_such(konseho, warm):
    import sqlite3

    connection = sqlite3.connect(Path(os.environ["KONSEHO_HOME"]) / "konseho.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    ran = konseho("cache", "stats")
    assert (ran.status, "newer Konseho" in ran.err) == (3, True)


def test_the_group_shows_its_commands(konseho):
    ran = konseho("cache", "--help")
    assert all(name in ran.out for name in ("stats", "list", "clear", "warm"))


def test_answers_are_kept_in_the_database_that_is_named(konseho, council, tmp_path):
    named = tmp_path / "own.db"
    konseho("run", council(), "--cache", "--store", named)
    own = json.loads(konseho("cache", "stats", "--store", named, "--json").out)
    assert own["entries"] > 0
    assert not Path(os.environ["KONSEHO_HOME"]).exists()
