"""The shells' own protocol: bash itself asks at the end, and this process what is to be offered."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from konseho_cli.cli import completing
from konseho_cli.cli.commands import COMMANDS


@pytest.fixture
def complete(konseho, tmp_path, monkeypatch):
    """What bash is offered for the last word of a line; a space at its end begins a new one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KONSEHO_HOME", str(tmp_path / ".konseho"))

    def ask(line: str) -> list[str]:
        words = line.split()
        at = len(words) if line.endswith(" ") else len(words) - 1
        with monkeypatch.context() as shell:
            shell.setenv("_KONSEHO_COMPLETE", "complete_bash")
            shell.setenv("COMP_WORDS", line)
            shell.setenv("COMP_CWORD", str(at))
            ran = konseho()
        assert (ran.status, ran.err) == (0, "")
        return ran.out.split()

    return ask


def test_commands_are_completed_from_the_table(complete):
    assert complete("konseho ") == list(COMMANDS)
    assert complete("konseho re") == ["resume", "report"]
    assert complete("konseho cache c") == ["clear"]


def test_a_group_that_means_one_of_its_commands_offers_them_all_the_same(complete):
    assert complete("konseho runs ") == ["list", "show", "explain", "diff", "rm"]
    assert complete("konseho runs s") == ["show"]
    assert complete("konseho runs --sta") == ["--status"]


def test_options_are_completed(complete):
    assert complete("konseho run --cac") == ["--cache"]
    assert "--template" in complete("konseho init --")


def test_councils_are_completed_those_that_ship_and_those_in_files(complete, tmp_path, council):
    council()
    (tmp_path / "other.yaml").write_text("a: b\n", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "deep.yml").write_text("konseho: 1\n", encoding="utf-8")
    offered = complete("konseho run ")
    assert {"quickstart", "small.yaml", "mine/"} <= set(offered)
    assert "other.yaml" not in offered
    assert complete("konseho run quick") == ["quickstart"]
    assert complete("konseho validate mine/") == ["mine/deep.yml"]
    assert complete("konseho show nowhere/") == []


def test_presets_models_and_templates_are_completed(complete, tmp_path):
    assert "production" in complete("konseho run quickstart --preset ")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.yaml").write_text("", encoding="utf-8")
    (tmp_path / "own.yaml").write_text("konseho: 1\n", encoding="utf-8")
    assert complete("konseho run own.yaml --preset ow") == ["own"]
    assert complete("konseho run quickstart --model s") == ["sim"]
    assert complete("konseho run quickstart --model h") == ["human"]
    assert complete("konseho init --template qu") == ["quickstart"]


def test_runs_their_steps_and_their_agents_are_completed(complete, council, konseho):
    konseho("run", council(), "-q")
    last, run = complete("konseho resume ")
    assert last == "last"
    assert complete(f"konseho runs show {run[:4]}") == [run]
    assert complete("konseho runs show last ") == ["both", "last"]
    assert complete("konseho whatif last --agent ") == ["ann=", "bob="]
    assert complete("konseho run quickstart --replay la") == ["last"]


def test_where_nothing_is_kept_nothing_is_offered_and_nothing_made(complete, tmp_path):
    assert complete("konseho resume ") == []
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_broken_says_nothing_into_the_line(complete, tmp_path):
    (tmp_path / ".konseho").mkdir()
    (tmp_path / ".konseho" / "konseho.db").write_bytes(b"no database" * 99)
    assert complete("konseho resume ") == []


def test_what_a_shell_would_evaluate_is_not_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("$(touch evil).yaml", '"`x`.yaml', "fine.yaml", "a b.yaml"):
        (tmp_path / name).write_text("konseho: 1\n", encoding="utf-8")
    offered = completing.councils(SimpleNamespace(params={}), "")
    assert "fine.yaml" in dict(offered)
    assert all(re.fullmatch(r"[\w./+:=@,-]+", value) for value, _ in offered)


def test_what_is_said_of_a_run_cannot_leave_its_quotes(monkeypatch):
    row = SimpleNamespace(run="1m7z", council="c", task='\\"; rm -rf ~; `x` $(y) [red]')
    monkeypatch.setattr(completing, "_stored", lambda ctx, work: [SimpleNamespace(began=row)])
    offered = dict(completing.runs(SimpleNamespace(params={}), "1m"))
    assert not set(offered["1m7z"]) & set("\\\"'`$[]~\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_script(konseho, monkeypatch, shell):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    ran = konseho("--show-completion", shell)
    assert ran.status == 0
    assert "_KONSEHO_COMPLETE=complete_" in ran.out


def test_it_can_be_installed_and_says_where(process, tmp_path):
    ran = process(
        "--install-completion", "bash", HOME=str(tmp_path),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )  # fmt: skip
    assert ran.status == 0
    assert ".bash_completions/konseho.sh" in ran.out
    assert (tmp_path / ".bash_completions" / "konseho.sh").is_file()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself_completes_with_the_script(process, tmp_path):
    script = process(
        "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    ).out
    command = tmp_path / "konseho"
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m konseho_cli "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    typed = f"COMP_WORDS=(konseho cache st); COMP_CWORD=2; _konseho_completion {command}\n"
    done = subprocess.run(
        ["bash", "--norc", "-c", f'{script}\n{typed}echo "${{COMPREPLY[@]}}"'],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("stats\n", "")
