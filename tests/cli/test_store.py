from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Konseho = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path, konseho: Konseho) -> Path:
    """A store with a run in it."""
    council = tmp_path / "small.yaml"
    council.write_text(
        'konseho: 1\nname: small\ntask: Say something.\nmodel: "sim:instant"\n'
        "agents: {ann: {role: You are Ann.}}\n"
        "steps:\n  - {id: first, kind: ask, agent: ann}\n  - {id: last, kind: ask, agent: ann}\n"
    )
    file = tmp_path / "runs.db"
    ran = konseho("run", council, "--store", file)
    assert ran.status == 0, ran.err
    return file


def spoil(store: Path, statement: str) -> None:
    connection = sqlite3.connect(store)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_in_order_is_said_to_be(konseho: Konseho, store: Path) -> None:
    ran = konseho("store", "check", "--store", store)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.endswith("all is well\n")
    assert f"file     {store}" in ran.out
    assert "calls    2 rows" in ran.out


def test_the_report_is_json_too(konseho: Konseho, store: Path) -> None:
    found = json.loads(konseho("store", "check", "--store", store, "--json").out)
    assert (found["konseho"], found["ok"], found["problems"]) == (1, True, [])
    assert found["tables"]["runs"]["rows"] == 1
    assert set(found) == {
        "konseho", "file", "version", "bytes", "unused_bytes", "tables", "ok", "problems",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE calls SET body = x'00c1' WHERE number = 1", "calls.body of "),
        ("UPDATE runs SET document = x'07'", "runs.document of "),
        ("UPDATE steps SET run = 'gone'", "steps: a row without its runs"),
    ],
)
def test_what_is_wrong_is_named_and_is_the_exit_status(
    konseho: Konseho, store: Path, statement: str, said: str
) -> None:
    spoil(store, statement)
    ran = konseho("store", "check", "--store", store)
    assert ran.status == 3
    assert said in ran.out
    assert "problem" in ran.out


def test_garbage_in_the_middle_is_found(konseho: Konseho, store: Path) -> None:
    konseho("store", "vacuum", "--store", store)
    content = bytearray(store.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"garbage!" * 2048
    store.write_bytes(content)
    ran = konseho("store", "check", "--store", store)
    assert ran.status == 3
    assert "problem" in ran.out or "malformed" in ran.err


def test_where_none_is_none_is_made(konseho: Konseho, tmp_path: Path) -> None:
    for command in ("check", "vacuum"):
        ran = konseho("store", command, "--store", tmp_path / "none.db")
        assert ran.status == 3
        assert "there is no store at" in ran.err
    assert konseho("store", "export", "--store", tmp_path / "none.db").out == ""
    assert not (tmp_path / "none.db").exists()


def test_vacuum_gives_back_what_was_removed(konseho: Konseho, store: Path) -> None:
    spoil(store, "INSERT INTO notes VALUES ('learning', 'big', 0, zeroblob(1000000))")
    spoil(store, "DELETE FROM notes")
    done = json.loads(konseho("store", "vacuum", "--store", store, "--json").out)
    assert done["before_bytes"] - done["after_bytes"] > 900_000
    assert "gave back" in konseho("store", "vacuum", "--store", store).out
    assert konseho("store", "check", "--store", store).status == 0


KEYS = {
    "run": {"run", "council", "file", "task", "models", "simulated", "started", "process",
            "version", "document", "session", "mended"},
    "end": {"run", "status", "exit_status", "ended", "duration", "error", "body"},
    "step": {"run", "step", "index", "kind", "status", "reasons", "start", "end", "body"},
    "call": {"run", "path", "iteration", "item", "agent", "turn", "repair", "tool_turn",
             "session", "step", "label", "model", "status", "source", "start", "end", "input_tokens",
             "output_tokens", "cached_tokens", "written_tokens", "wasted_tokens", "cost",
             "requests", "retries", "hedges", "error", "body"},
    "span": {"run", "id", "parent", "task", "kind", "start", "end", "closed", "waker",
             "attributes"},
}  # fmt: skip


def test_an_export_has_every_record_with_stable_keys(konseho: Konseho, store: Path) -> None:
    lines = [
        json.loads(each)
        for each in konseho("store", "export", "--store", store).out.split("\n")
        if each
    ]
    kinds = [line["record"] for line in lines]
    assert kinds[:6] == ["run", "end", "step", "step", "call", "call"]
    assert set(kinds[6:]) <= {"span", "event"}
    for line in lines:
        assert line["konseho"] == 1
        if line["record"] in KEYS:
            assert set(line) - {"konseho", "record"} == KEYS[line["record"]]
    assert isinstance(lines[0]["document"], dict)


def test_an_export_of_one_run_goes_to_a_file_for_its_owner(
    konseho: Konseho, store: Path, tmp_path: Path
) -> None:
    ran = konseho("store", "export", "last", "--store", store, "-o", tmp_path / "out.jsonl")
    assert (ran.status, ran.out) == (0, "")
    assert "1 run in" in ran.err
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["record"] == "run"


def test_what_is_no_run_or_cannot_be_written_is_said(
    konseho: Konseho, store: Path, tmp_path: Path
) -> None:
    assert konseho("store", "export", "zzzz", "--store", store).status == 2
    ran = konseho("store", "export", "--store", store, "-o", tmp_path / "no" / "out")
    assert ran.status == 3
    assert "cannot be written" in ran.err


def test_bytes_that_are_no_json_are_base64(konseho: Konseho, store: Path) -> None:
    spoil(store, "UPDATE calls SET body = x'07ff'")
    lines = konseho("store", "export", "--store", store).out.splitlines()
    (first, *_) = [json.loads(each) for each in lines if '"record": "call"' in each]
    assert first["body"] == {"base64": "B/8="}


def test_the_environment_names_the_file(
    konseho: Konseho, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONSEHO_STORE", str(store))
    assert os.environ["KONSEHO_STORE"] in konseho("store", "check").out
