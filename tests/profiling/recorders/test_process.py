"""A child as its parent sees it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from konseho_cli.core.errors import KonsehoError
from konseho_cli.profiling.recorders.job import Job
from konseho_cli.profiling.recorders.process import Interruption, clean_up, run_child, said

SLOW = """\
konseho: 1
name: half
task: Say something.
agents: {ann: {role: You are Ann., model: "sim:ttft=300,spread=0"}, bob: {role: You are Bob.}}
model: "sim:instant"
steps:
  - {id: done, kind: ask, agent: bob}
  - {id: open, kind: ask, agent: ann}
"""


def job(folder: Path, text: str = SLOW) -> Job:
    council = folder / "council.yaml"
    council.write_text(text, encoding="utf-8")
    return Job(council=council, name="run", folder=folder)


def has_begun(one: Job) -> bool:
    """Whether its first step has ended: its cassette says so."""
    cassette = one.record
    return cassette is not None and cassette.exists() and b'"done"' in cassette.read_bytes()


def recorded_job(folder: Path) -> Job:
    one = job(folder)
    return Job(
        council=one.council, name="run", folder=folder, record=folder / "run.cassette"
    )  # fmt: skip


def test_a_signal_ends_the_run_and_what_is_finished_is_recorded(tmp_path: Path) -> None:
    one, interruption = recorded_job(tmp_path), Interruption()

    def tick() -> None:
        if has_begun(one):
            interruption.heard(signal.SIGTERM)

    ended = run_child(one, interruption, tick=tick)
    assert ended.exit_status == interruption.exit_status == 143
    assert one.file(".recording").exists()


def test_the_same_signal_twice_at_once_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("konseho_cli.profiling.recorders.process.SAME_SIGNAL_S", 1e9)
    killed: list[int] = []
    passed: list[int] = []
    interruption = Interruption()
    with interruption.to(passed.append, lambda: killed.append(1)):
        interruption.heard(signal.SIGINT)
        interruption.heard(signal.SIGINT)
    assert (passed, killed) == ([signal.SIGINT], [])


def test_a_second_signal_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("konseho_cli.profiling.recorders.process.SAME_SIGNAL_S", -1)
    one, interruption = recorded_job(tmp_path), Interruption()

    def tick() -> None:
        if has_begun(one):
            interruption.stopped_by = signal.SIGINT  # as if the first one had got lost
            interruption.heard(signal.SIGINT)

    with pytest.raises(KonsehoError, match="interrupted") as raised:
        run_child(one, interruption, tick=tick)
    assert raised.value.exit_code == 130


def test_a_signal_that_came_before_a_child_is_heard_by_it(tmp_path: Path) -> None:
    interruption = Interruption()
    interruption.heard(signal.SIGTERM)
    with pytest.raises(KonsehoError, match="interrupted") as raised:
        run_child(job(tmp_path), interruption)
    assert raised.value.exit_code == 143


def test_a_child_that_dies_says_how_and_what_it_said_last(tmp_path: Path) -> None:
    one = recorded_job(tmp_path)

    def tick() -> None:
        if has_begun(one):
            os.kill(int(one.file(".pid").read_text()), signal.SIGKILL)

    with pytest.raises(KonsehoError, match="was killed by SIGKILL") as raised:
        run_child(one, Interruption(), tick=tick)
    assert raised.value.hint == "is there enough memory?"

    with pytest.raises(KonsehoError, match="ended with status 1") as raised:
        run_child(one, Interruption(), command=("python", "-c", "import sys; sys.exit('broken')"))
    assert "broken" in str(raised.value)


def test_what_the_child_refuses_is_refused_here_with_its_status_and_hint(tmp_path: Path) -> None:
    with pytest.raises(KonsehoError, match="there is no task") as raised:
        run_child(job(tmp_path, SLOW.replace("task: Say something.\n", "")), Interruption())
    assert raised.value.exit_code == 2
    assert raised.value.hint


def test_what_is_of_no_use_any_more_is_removed(tmp_path: Path) -> None:
    one = job(tmp_path)
    one.save()
    one.file(".recording").touch()
    clean_up(one)
    assert {file.name for file in tmp_path.iterdir()} == {"council.yaml", "run.recording"}


def test_signals_come_here_only_for_a_while() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption().heeded() as interruption:
        signal.raise_signal(signal.SIGTERM)
    assert interruption.exit_status == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("suffixes", [(".recording",), (".pid", ".ended", ".stderr")])
def test_a_full_disk_is_what_a_child_says_it_died_of(
    tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    one = job(tmp_path, SLOW.replace(', model: "sim:ttft=300,spread=0"', ""))
    for suffix in suffixes:
        one.file(suffix).symlink_to("/dev/full")
    with pytest.raises(KonsehoError, match="No space left on device") as raised:
        run_child(one, Interruption())
    assert raised.value.exit_code == 3


def test_what_a_child_says_is_private(tmp_path: Path) -> None:
    one = job(tmp_path)
    with pytest.raises(KonsehoError, match="secret"):
        run_child(one, Interruption(), command=("python", "-c", "import sys; sys.exit('secret')"))
    assert one.file(".stderr").stat().st_mode & 0o777 == 0o600
    assert said(one).strip() == "secret"


def test_a_child_that_says_very_much_does_not_wait_for_anybody(tmp_path: Path) -> None:
    loud = "import sys; print('x\\n' * 2**20); sys.exit('last words')"
    with pytest.raises(KonsehoError, match="last words"):
        run_child(job(tmp_path), Interruption(), command=("python", "-c", loud))
