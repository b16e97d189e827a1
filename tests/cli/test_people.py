"""Who is asked: nobody by commands that measure, a chat's people at its terminal or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminals import terminal

COUNCIL = """\
konseho: 1
name: asks
task: Write.
model: "sim:instant"
agents: {ann: {role: You are Ann.}}
steps:
  - {id: draft, kind: ask, agent: ann}
  - {id: approve, kind: human, choices: ["yes", "no"]DEFAULT}
"""


@pytest.fixture
def asks(tmp_path: Path) -> Path:
    file = tmp_path / "asks.yaml"
    file.write_text(COUNCIL.replace("DEFAULT", ""), encoding="utf-8")
    return file


@pytest.mark.parametrize("command", ["profile", "bench", "tune"])
def test_whoever_measures_asks_nobody(konseho: Any, asks: Path, command: str) -> None:
    ran = konseho(command, asks)
    assert ran.status == 2
    assert "step 'approve' asks a person (approve), and nobody is asked here" in ran.err
    assert "--simulate" in ran.err


def test_a_profile_simulates_people_where_it_is_told_to(konseho: Any, asks: Path) -> None:
    assert konseho("profile", asks, "--simulate").status == 0


def test_without_a_terminal_it_is_an_error_at_once(konseho: Any, asks: Path) -> None:
    ran = konseho("run", asks)
    assert (ran.status, ran.out) == (2, "")
    assert "there is no terminal" in ran.err


def test_without_a_terminal_the_default_stands(konseho: Any, asks: Path) -> None:
    asks.write_text(COUNCIL.replace("DEFAULT", ', default: "no"'), encoding="utf-8")
    ran = konseho("run", asks)
    assert (ran.status, ran.out) == (0, "no\n")
    assert "there is no terminal to ask approve at: the default stands" in ran.err
    assert konseho("run", asks, "--strict").status == 1, "it is degraded"


def test_plans_mark_people(konseho: Any, asks: Path) -> None:
    shown = konseho("show", asks).out
    assert "approve (a person)" in shown
    assert "0 calls" in shown


def test_a_council_with_people_is_valid_without_any(konseho: Any, asks: Path) -> None:
    assert konseho("validate", asks).status == 0


def test_what_a_run_says_first_names_the_people(konseho: Any, asks: Path) -> None:
    asks.write_text(COUNCIL.replace("DEFAULT", ', default: "no"'), encoding="utf-8")
    assert "approve: a person" in konseho("run", asks).err.splitlines()[0]
    assert "a person" not in konseho("run", asks, "--simulate").err


def test_a_chat_asks_at_its_terminal_and_goes_on_where_it_was(asks: Path) -> None:
    with terminal("chat", asks, "-q", "--no-store") as screen:
        screen.until(lambda seen: seen.endswith("> "))
        for turn, (typed, said) in enumerate(
            [("yes", "yes\r\n\r\n> "), ("\x04", "gave no answer"), ("no", "no\r\n\r\n> ")], 1
        ):
            screen.press(b"said\n")
            screen.until(lambda seen, turn=turn: seen.count("2. no") == turn)
            screen.until(lambda seen: seen.endswith("> "))
            begin = len(screen.seen)
            screen.press(typed.encode() + (b"" if typed == "\x04" else b"\n"))
            screen.until(lambda seen, begin=begin, said=said: said in seen[begin + 5 :])
            screen.until(lambda seen: seen.endswith("\r\n> "))
        screen.press(b"\x04")
        assert screen.to_the_end() == 0


def test_a_chat_from_a_pipe_says_before_it_begins_that_nobody_can_be_asked(
    process: Any, asks: Path
) -> None:
    ran = process("chat", asks, stdin="one\ntwo")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "konseho: step 'approve' asks a person (approve), and there is no terminal\n"
        "  use --answers FILE, or give a `human` step a default\n"
    )


def test_a_chat_takes_the_answers_of_a_file_in_every_turn(process: Any, asks: Path) -> None:
    file = asks.with_name("answers.yaml")
    file.write_text("approve: yes\n", encoding="utf-8")
    ran = process("chat", asks, "-q", "--answers", file, stdin="one\ntwo")
    assert (ran.status, ran.out, ran.err) == (0, "yes\nyes\n", "")
    file.write_text("approve: maybe\n", encoding="utf-8")
    ran = process("chat", asks, "-q", "--answers", file, stdin="one\ntwo")
    assert (ran.status, ran.out) == (2, "")
    assert "maybe" in ran.err


def test_a_chat_executes_programs_only_where_it_may(process: Any, tmp_path: Path) -> None:
    file = tmp_path / "runs.yaml"
    file.write_text(
        "konseho: 1\nname: runs\nsteps: [{kind: command, argv: [echo, heard]}]\n", encoding="utf-8"
    )
    refused = process("chat", file, "-q", stdin="one")
    assert refused.status == 2
    assert "--allow-exec or KONSEHO_ALLOW_EXEC=1 lets it" in refused.err
    allowed = process("chat", file, "-q", "--allow-exec", stdin="one")
    assert (allowed.status, allowed.out, allowed.err) == (0, "heard\n", "")


def test_a_turn_of_a_chat_is_known_among_runs_by_what_was_said(
    process: Any, konseho: Any, asks: Path, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    process("chat", asks, "--simulate", "--store", store, stdin="first words\nsecond words")
    shown = konseho("runs", "--store", store).out.splitlines()
    assert "second words" in shown[0]
    assert shown[1].endswith("first words")
