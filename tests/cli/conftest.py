"""The command line, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from konseho_cli.cli import main
from konseho_cli.cli.main import invoke

COUNCIL = """\
konseho: 1
name: small
task: Say something.
agents: {ann: {role: You are Ann.}, bob: {role: You are Bob.}}
model: "sim:instant"
steps:
  - {id: both, kind: parallel, agents: [ann, bob]}
  - {id: last, kind: chair, agent: ann}
"""

HALF_DONE = """\
konseho: 1
name: half
task: Say something.
agents: {ann: {role: You are Ann., model: "sim:ttft=300,spread=0"}, bob: {role: You are Bob.}}
model: "sim:instant"
steps:
  - {id: done, kind: ask, agent: bob}
  - {id: open, kind: ask, agent: ann}
"""
"""One step is over at once; nothing but a signal ends the next one while a test looks."""


@dataclass(frozen=True)
class Ran:
    """What a command line came to."""

    status: int
    out: str
    err: str


Konseho = Callable[..., Ran]
_load = cache(main.load)
"""To build a command takes longer than most of what they are asked for here, and it has no state."""


@pytest.fixture
def konseho(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Konseho:
    """Run a command line in this process; each command is built once, and not for each line."""
    monkeypatch.setattr(main, "load", _load)

    def run(*arguments: object) -> Ran:
        status = invoke([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


@pytest.fixture
def process() -> Konseho:
    """Run a command line in a process of its own."""

    def run(*arguments: object, stdin: str | bytes = "", **env: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "konseho_cli", *map(str, arguments)],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True, env={**os.environ, **env}, timeout=60, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def council(tmp_path: Path) -> Callable[..., Path]:
    """A small council file; lines of text are put in place of others."""

    def write(*more: str, **replaced: str) -> Path:
        text = COUNCIL
        for key, line in replaced.items():
            old = next(each for each in text.splitlines() if each.startswith(f"{key}:"))
            text = text.replace(old, line)
        file = tmp_path / "small.yaml"
        file.write_text("\n".join((text, *more)), encoding="utf-8")
        return file

    return write


@pytest.fixture
def half_done(tmp_path: Path) -> Path:
    """A council whose last step hangs."""
    file = tmp_path / "half.yaml"
    file.write_text(HALF_DONE, encoding="utf-8")
    return file
