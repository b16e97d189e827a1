from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from konseho_cli.core.process import here, is_alive


def stat(folder: Path, pid: int, start: int, *, state: str = "S", name: str = "python") -> Path:
    (folder / str(pid)).mkdir(exist_ok=True)
    rest = " ".join(["1"] * 18)
    (folder / str(pid) / "stat").write_text(f"{pid} ({name}) {state} {rest} {start} 0 0\n")
    return folder


def host() -> str:
    return here().rpartition(":")[0].rpartition(":")[0]


def test_this_process_is_alive() -> None:
    assert is_alive(here()) is True
    assert here().rpartition(":")[0].endswith(f":{os.getpid()}")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing says when it began")
def test_a_process_that_ended_is_not_alive() -> None:
    program = "from konseho_cli.core.process import here; print(here())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert is_alive(done.stdout.strip()) is False


def test_a_later_process_of_the_same_number_is_another_one(tmp_path: Path) -> None:
    stat(tmp_path, 7, 500)
    assert is_alive(f"{host()}:7:500", tmp_path) is True
    assert is_alive(f"{host()}:7:499", tmp_path) is False
    assert is_alive(f"{host()}:8:500", tmp_path) is False


def test_a_dead_process_that_nobody_has_buried_is_dead(tmp_path: Path) -> None:
    assert is_alive(f"{host()}:7:500", stat(tmp_path, 7, 500, state="Z")) is False


def test_a_name_with_brackets_and_blanks_is_read_over(tmp_path: Path) -> None:
    assert is_alive(f"{host()}:7:500", stat(tmp_path, 7, 500, name="a) S (b c")) is True


def test_where_the_system_does_not_say_when_it_began_its_number_must_do(tmp_path: Path) -> None:
    this = here(tmp_path)
    assert this == f"{host()}:{os.getpid()}:"
    assert is_alive(this) is True
    assert is_alive(f"{host()}:{2**60}:") is False


@pytest.mark.parametrize(
    "process", ["elsewhere:1:2", "", ":", "::", f"{host()}:x:1", f"{host()}:-1:1", f"{host()}:0:"]
)
def test_what_cannot_be_told_from_here_is_not_told(process: str) -> None:
    assert is_alive(process) is None
