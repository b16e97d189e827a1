"""The console script in a process of its own: interrupted early, and with its streams closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNCIL = """\
konseho: 1
name: small
task: Say something.
model: "sim:instant"
agents: {a: {role: x}}
steps: [{kind: ask, agent: a}]
"""
KONSEHO = f"{sys.executable} -m konseho_cli"


def sh(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "c.yaml").write_text(COUNCIL)
    command = command.replace("konseho", KONSEHO, 1)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


EARLY = """
import signal, sys
from konseho_cli.entry import main

class Interrupting:
    @staticmethod
    def find_spec(name, *rest):
        if name == "typer":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
sys.argv[1:] = ["--version"]
main()
"""


@pytest.mark.parametrize(("told", "status"), [("default_int_handler", -2), ("SIG_IGN", 0)])
def test_an_interrupt_while_everything_is_imported_is_quiet_or_ignored_as_the_caller_wants(
    told: str, status: int
) -> None:
    early = f"import signal; signal.signal(signal.SIGINT, signal.{told})\n{EARLY}"
    ran = subprocess.run([sys.executable, "-c", early], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (status, "")
    assert ran.stdout.startswith("konseho ") is (status == 0)


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_the_answer_is_not_lost_with_stderr(tmp_path: Path, closed: str) -> None:
    ran = sh(f"konseho run c.yaml {closed}", tmp_path)
    assert ran.returncode == 0
    assert ran.stdout.startswith("[simulated]")


@pytest.mark.parametrize(
    "command", ["show c.yaml", "run c.yaml --dry-run", "run c.yaml -q", "list"]
)
def test_a_closed_stdout_is_no_bug(tmp_path: Path, command: str) -> None:
    ran = sh(f"konseho {command} >&-", tmp_path)
    assert "bug" not in ran.stderr
    assert ran.returncode == 0


@pytest.mark.parametrize("command", ["--help", "run c.yaml", "run c.yaml --stream", "schema"])
def test_a_full_disk_behind_stdout_is_said(tmp_path: Path, command: str) -> None:
    ran = sh(f"konseho {command} >/dev/full", tmp_path)
    assert "No space left on device" in ran.stderr
    assert "bug" not in ran.stderr
    assert ran.returncode == 3


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    long = "a" * 300
    for command in (f"run {long} x", f"validate {long}", f"run c.yaml -o {long}"):
        ran = sh(f"konseho {command}", tmp_path)
        assert ran.returncode == 2, ran.stderr
        assert "bug" not in ran.stderr


def test_a_link_that_leads_to_itself_does_not_take_the_answer(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    ran = sh("konseho run c.yaml -q -o loop", tmp_path)
    assert ran.returncode == 3
    assert ran.stdout.startswith("[simulated]")
    assert "could not be written" in ran.stderr
    assert "bug" not in ran.stderr


def test_a_dash_is_stdout(tmp_path: Path) -> None:
    ran = sh("konseho run c.yaml -q -o -", tmp_path)
    assert ran.stdout.startswith("[simulated]")
    assert not (tmp_path / "-").exists()


def test_stdin_is_read_as_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    ran = sh("konseho run c.yaml - -q < <(printf '\\xff\\xfe')", tmp_path)
    assert ran.returncode == 2
    assert "not text in UTF-8" in ran.stderr
    closed = sh("konseho run c.yaml - -q <&-", tmp_path)
    assert (closed.returncode, "closed" in closed.stderr) == (2, True)


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "out.txt"])
def test_a_file_that_stdout_leads_to_is_written_in_its_turn(tmp_path: Path, place: str) -> None:
    ran = sh(f"(echo one; exec konseho run c.yaml -q -o {place}; ) >out.txt; cat out.txt", tmp_path)
    first, answer = ran.stdout.splitlines()
    assert (first, answer.partition(" ")[0]) == ("one", "[simulated]")
    assert ran.stderr == ""


@pytest.mark.parametrize("place", ["/dev/stdout", ">(cat)"])
def test_a_pipe_behind_a_descriptor_is_written_to(tmp_path: Path, place: str) -> None:
    ran = sh(f"konseho run c.yaml -q -o {place} | cat", tmp_path)
    assert ran.stdout.startswith("[simulated]")
    assert ran.stderr == ""


def test_what_is_wrong_with_a_file_is_its_status_even_where_nobody_can_be_told(
    tmp_path: Path,
) -> None:
    ran = sh("konseho validate none.yaml 2>/dev/full", tmp_path)
    assert (ran.returncode, "does not exist" in ran.stdout) == (2, True)


def test_a_seed_is_bounded(tmp_path: Path) -> None:
    for seed in ("99999999999999999999999999", "-1"):
        assert sh(f"konseho run c.yaml --seed {seed}", tmp_path).returncode == 2
