"""Children that die: what they had paid for stays, and so does what others had recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.core.errors import KonsehoError
from konseho_cli.profiling.recorders import recorder
from konseho_cli.profiling.recorders.campaign import Wanted, profile
from konseho_cli.profiling.recorders.job import Ended, Job
from konseho_cli.profiling.recorders.process import Interruption, run_child

HALF_DONE = """\
konseho: 1
name: half
agents: {ann: {role: You are Ann., model: "sim:ttft=300,spread=0"}, bob: {role: You are Bob.}}
model: "sim:instant"
steps:
  - {id: done, kind: ask, agent: bob}
  - {id: open, kind: ask, agent: ann}
"""
QUICK = HALF_DONE.replace(', model: "sim:ttft=300,spread=0"', "")
Children = Callable[[Callable[[Job], bool]], None]


def council(folder: Path, text: str) -> Job:
    file = folder / "half.yaml"
    file.write_text(text, encoding="utf-8")
    return Job(council=file, task="Say 'it'.", name="run", folder=Path())


def kill(job: Job) -> None:
    os.kill(int(job.file(".pid").read_text()), signal.SIGKILL)


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Children:
    """Kills the children of those jobs."""

    def arrange(which: Callable[[Job], bool]) -> None:
        def run(job: Job, interruption: Interruption, **more: object) -> Ended:
            if not which(job):
                return run_child(job, interruption, **more)  # type: ignore[arg-type]
            return run_child(job, interruption, command=("sh", "-c", "kill -9 $$"))

        for module in ("recorder", "campaign"):
            monkeypatch.setattr(f"konseho_cli.profiling.recorders.{module}.run_child", run)

    return arrange


def test_what_a_first_run_had_paid_for_stays_and_a_run_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = council(tmp_path, HALF_DONE)

    def tick(text: str) -> None:
        for cassette in Path(os.environ["KONSEHO_HOME"]).glob("profiles/*/run.cassette"):
            if b'"done"' in cassette.read_bytes():
                kill(Job(council=None, name="spans", folder=cassette.parent))

    with pytest.raises(KonsehoError, match="was killed by SIGKILL") as raised:
        profile(Wanted(job=job), os.environ, tick)
    (folder,) = (Path(os.environ["KONSEHO_HOME"]) / "profiles").iterdir()
    assert [file.name for file in folder.iterdir()] == ["run.cassette"]
    assert not folder.name.startswith("."), "it has the name of its run"
    hint = raised.value.hint or ""
    assert str(folder / "run.cassette") in hint

    command = hint.split("`")[1].removeprefix("konseho ")
    (tmp_path / "half.yaml").write_text(QUICK)  # whoever is asked now answers at once
    done = subprocess.run(
        f"{sys.executable} -m konseho_cli {command} --json --no-store",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (lambda job: job.profiler == "memory" and job.saves, "memory_profiler 1 of 2 is missing"),
        (lambda job: job.name == "cpu-2", "cProfile 2 of 2 is missing"),
        (lambda job: job.name == "memory-lines", "memory_profiler line by line is missing"),
        (lambda job: job.name == "leaks", "the memory after each run is missing"),
        (lambda job: job.name == "cost", "what the profilers cost is missing"),
    ],
)
def test_what_dies_later_is_missing_alone(
    tmp_path: Path, dying: Children, which: Callable[[Job], bool], said: str
) -> None:
    dying(which)
    wanted = Wanted(
        job=council(tmp_path, QUICK), profilers=("cpu", "memory"), repeats=2, leaks=10,
        lines=("konseho_cli.engine.context:Context.ask",) if "line" in said else (),
        costs="cost" in said, folder=tmp_path / "p",
    )  # fmt: skip
    if "line" in said:
        pytest.importorskip("line_profiler")
    found = profile(wanted, os.environ)
    assert found.exit_status == 3
    (warning,) = found.warnings
    assert said in warning
    assert "was killed by SIGKILL" in warning
    assert found.recordings[0].outcome.status == "ok"
    left = {file.suffix for file in found.folder.iterdir()}
    assert left == {".recording", ".pstats", ".cassette"}


def test_a_child_that_dies_leaves_nothing_that_is_of_no_use(
    tmp_path: Path, dying: Children
) -> None:
    dying(lambda job: True)
    job = council(tmp_path, QUICK)
    folder = tmp_path / "p"
    folder.mkdir()
    one = Job(council=job.council, task=job.task, name="run", folder=folder)
    with pytest.raises(KonsehoError, match="was killed"):
        recorder.record(one, recorder.Watching(), Interruption())
    assert list(folder.iterdir()) == []
