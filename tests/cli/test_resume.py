from __future__ import annotations

import json
import sqlite3

import pytest

COUNCIL = """\
konseho: 1
name: two
model: sim:instant
agents: {ann: {role: You are one of us.}}
targets: {calls: 1}
steps:
  - {id: first, kind: ask, agent: ann}
  - {id: second, kind: ask, agent: ann}
"""


@pytest.fixture
def missed(konseho, tmp_path):
    """A council whose run missed its target; its file."""
    file = tmp_path / "two.yaml"
    file.write_text(COUNCIL)
    assert konseho("run", file, "Tabs?", "-q").status == 1
    return file


def test_a_missed_target_is_kept_as_what_the_process_ended_with(konseho, missed):
    (run,) = json.loads(konseho("runs", "--json").out)["runs"]
    assert (run["status"], run["exit_status"]) == ("ok", 1)


def test_a_run_that_is_resumed_is_held_to_its_targets_as_a_whole(konseho, missed):
    before = konseho("runs", "--json").out
    again = konseho("resume", "last", "--json")
    assert again.status == 1
    assert json.loads(again.out)["targets"][0]["measured"] == 2
    assert konseho("runs", "--json").out == before  # it was whole: nothing new is written


def test_a_run_that_is_not_there_is_a_usage_error(konseho):
    ran = konseho("resume", "last")
    assert (ran.status, "there is no last run" in ran.err) == (2, True)


def test_a_changed_council_is_refused_and_forced(konseho, missed):
    missed.write_text(COUNCIL.replace("one of us", "one of them"))
    ran = konseho("resume", "last")
    assert ran.status == 2
    assert "-    role: You are one of us." in ran.err
    assert "+    role: You are one of them." in ran.err
    assert konseho("resume", "last", "--force", "-q").status == 1
    assert json.loads(konseho("runs", "--json").out)["runs"][0]["sessions"] == 2


def test_a_run_without_a_store_keeps_nothing(konseho, tmp_path, missed):
    own = tmp_path / "own.db"
    konseho("run", missed, "Tabs?", "--no-store", "--store", own)
    assert not own.exists()


def test_events_are_kept_where_somebody_says_which(konseho, tmp_path, missed):
    for level, most in (("steps", {"run_started", "step_started", "step_finished", "run_finished"}),
                        ("none", set())):  # fmt: skip
        own = tmp_path / f"{level}.db"
        konseho("run", missed, "Tabs?", "-q", "--store", own, "--events", level)
        connection = sqlite3.connect(own)
        names = {name for (name,) in connection.execute("SELECT name FROM events")}
        connection.close()
        assert names <= most
        assert bool(names) == bool(most)


def test_an_old_run_that_a_preset_removes_is_told(konseho, tmp_path, missed):
    preset = tmp_path / "short.yaml"
    preset.write_text("konseho_preset: 1\nsettings: {store: {keep: 1us}}\n")
    ran = konseho("run", missed, "Tabs?", "--preset", preset)
    assert "removed 1 run older than" in ran.err
    assert len(json.loads(konseho("runs", "--json").out)["runs"]) == 1


def test_a_named_store_holds_over_a_preset_and_no_store_over_both(konseho, tmp_path, missed):
    preset, own = tmp_path / "none.yaml", tmp_path / "own.db"
    preset.write_text("konseho_preset: 1\nsettings: {store: {enabled: false}}\n")
    konseho("runs", "rm", "--all", "--yes")
    konseho("run", missed, "Tabs?", "-q", "--preset", preset)
    assert json.loads(konseho("runs", "--json").out)["runs"] == []
    konseho("run", missed, "Tabs?", "-q", "--preset", preset, "--store", own)
    assert len(json.loads(konseho("runs", "--json", "--store", own).out)["runs"]) == 1


def test_what_is_to_be_typed_to_go_on_is_said_whole(konseho, tmp_path, monkeypatch):
    """A run that was let execute programs needs that again."""
    monkeypatch.chdir(tmp_path)
    asks = "  - {id: thinks, kind: ask, agent: ann}\n"
    runs = "  - {id: lists, kind: command, argv: [cat, late.txt], needs: [thinks]}\n"
    (tmp_path / "c.yaml").write_text(COUNCIL.partition("targets")[0] + "steps:\n" + asks + runs)
    ran = konseho("run", "c.yaml", "Tabs?", "--allow-exec")
    assert ran.status == 3
    (tmp_path / "late.txt").touch()
    again = ran.err.rpartition("What is finished is kept: konseho ")[2].split()
    assert again[2:] == ["--allow-exec"]
    assert konseho(*again).status == 0
    given = konseho("resume", "last")  # all has ended: nothing would be executed
    assert (given.status, "would execute" in given.err) == (0, False)
