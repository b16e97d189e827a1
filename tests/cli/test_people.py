"""Commands that measure ask nobody: they say so, and never wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
def test_whoever_measures_asks_nobody(process: Any, asks: Path, command: str) -> None:
    ran = process(command, asks)
    assert ran.status == 2
    assert "step 'approve' asks a person (approve), and nobody is asked here" in ran.err
    assert "--simulate" in ran.err


def test_a_profile_simulates_people_where_it_is_told_to(process: Any, asks: Path) -> None:
    assert process("profile", asks, "--simulate").status == 0


def test_without_a_terminal_it_is_an_error_at_once(process: Any, asks: Path) -> None:
    ran = process("run", asks)
    assert (ran.status, ran.out) == (2, "")
    assert "there is no terminal" in ran.err


def test_without_a_terminal_the_default_stands(process: Any, asks: Path) -> None:
    asks.write_text(COUNCIL.replace("DEFAULT", ', default: "no"'), encoding="utf-8")
    ran = process("run", asks)
    assert (ran.status, ran.out) == (0, "no\n")
    assert "there is no terminal to ask approve at: the default stands" in ran.err
    assert process("run", asks, "--strict").status == 1, "it is degraded"


def test_plans_mark_people(konseho: Any, asks: Path) -> None:
    shown = konseho("show", asks).out
    assert "approve (a person)" in shown
    assert "0 calls" in shown


def test_a_council_with_people_is_valid_without_any(konseho: Any, asks: Path) -> None:
    assert konseho("validate", asks).status == 0


def test_what_a_run_says_first_names_the_people(process: Any, asks: Path) -> None:
    asks.write_text(COUNCIL.replace("DEFAULT", ', default: "no"'), encoding="utf-8")
    assert "approve: a person" in process("run", asks).err.splitlines()[0]
    assert "a person" not in process("run", asks, "--simulate").err
