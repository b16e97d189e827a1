"""A profile from end to end: real children, real profilers."""

from __future__ import annotations

import asyncio
import os
import pstats
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from konseho_cli.core.errors import KonsehoError, NotMeasured, UsageError
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.storing import Storing, open_store
from konseho_cli.profiling.recorders import py_spy
from konseho_cli.profiling.recorders.campaign import Recordings, Wanted, profile
from konseho_cli.profiling.recorders.job import Job
from konseho_cli.profiling.recorders.recorder import Watching
from konseho_cli.profiling.recording import Recording
from konseho_cli.spec.find import find_council
from konseho_cli.store.base import RunRow
from konseho_cli.store.base import Wanted as Runs


class Profiled(NamedTuple):
    """What was found, and where the user's runs are."""

    found: Recordings
    home: Path
    told: list[str]


def quickstart(**more: object) -> Job:
    return Job(
        council=find_council("quickstart").absolute(), task="Tabs or spaces?", name="run",
        folder=Path(), wishes=Wishes(model="sim:instant"), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def can_sample(folder: Path) -> bool:
    try:
        py_spy.check_allowed(folder)
    except NotMeasured:
        return False
    return True


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profiled]:
    """The quickstart under every profiler, once for all of these tests."""
    home = tmp_path_factory.mktemp("profiled") / ".konseho"
    told: list[str] = []
    names = ("cpu", "memory", *(("sample",) if can_sample(home.parent) else ()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KONSEHO_HOME", str(home))
        wanted = Wanted(
            job=quickstart(storing=Storing(enabled=True)), profilers=names, costs=False,  # type: ignore[arg-type]
            how=Watching(interval_s=0.005), lines=("konseho_cli.engine.context:Context.ask",),
            leaks=10,
        )  # fmt: skip
        yield Profiled(profile(wanted, os.environ, told.append), home, told)


def kept(home: Path) -> list[RunRow]:
    async def read() -> list[RunRow]:
        store = open_store(Storing(file=home / "konseho.db"), os.environ)
        try:
            return await store.runs(Runs())
        finally:
            await store.aclose()

    return asyncio.run(read())


def test_one_run_is_asked_for_and_the_others_are_given_its_answers(profiled: Profiled) -> None:
    first, *others = profiled.found.recordings
    assert first.replayed is None
    assert {each.replayed for each in others} == {first.outcome.run}
    assert {str(each.outcome.answer) for each in others} == {str(first.outcome.answer)}
    assert [row.began.run for row in kept(profiled.home)] == [first.outcome.run]
    assert profiled.found.exit_status == 0
    assert profiled.found.warnings == ()


def test_every_recording_is_a_whole_run_with_its_spans(profiled: Profiled) -> None:
    for each in profiled.found.recordings:
        assert each.outcome.status == "ok"
        assert each.outcome.spans
        assert each.cpu_s > 0
        again = Recording.load(profiled.found.folder / f"{each.profiler}.recording")
        assert again == each


def test_the_files_are_private_and_nothing_else_is_left(profiled: Profiled) -> None:
    folder = profiled.found.folder
    assert folder.parent == profiled.home / "profiles"
    assert folder.name == profiled.found.recordings[0].outcome.run
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}
    named = {each.profiler for each in profiled.found.recordings}
    expected = {f"{name}.recording" for name in named} | {"cpu.pstats", "run.cassette"}
    expected |= {"sample.speedscope.json"} if "sample" in named else set()
    assert {file.name for file in folder.iterdir()} == expected


def test_the_cpu_is_grouped_and_the_store_s_thread_is_in_it(profiled: Profiled) -> None:
    cpu = profiled.found.recordings[0].cpu
    assert cpu is not None
    groups = {group.name: group for group in cpu.groups}
    topics = {"context serialization", "event emission", "coordination", "history"}
    assert topics <= groups.keys()
    assert all(groups[name].own_s > 0 for name in topics)
    assert sum(group.own_s for group in cpu.groups) == pytest.approx(cpu.total_s)
    assert cpu.waiting_s == pytest.approx(groups["waiting"].own_s)
    assert cpu.threads >= 1, "the store writes in one"
    assert pstats.Stats(str(profiled.found.folder / cpu.file)).stats  # type: ignore[attr-defined]


def test_the_memory_is_aligned_with_the_run(profiled: Profiled) -> None:
    recording = profiled.found.recordings[1]
    memory = recording.memory
    assert memory is not None
    assert memory.agents == 4
    assert memory.points[0].at < 0, "it was looked at before the run"
    assert memory.points[-1].at > recording.outcome.end, "and after it"
    assert memory.peak >= memory.before > 10 * 2**20
    assert [step.step for step in memory.steps] == ["answers", "ballot", "result"]


def test_lines_are_looked_at_in_runs_of_their_own(profiled: Profiled) -> None:
    cpu, memory = (each for each in profiled.found.recordings if each.profiler != "sample")
    assert cpu.cpu is not None
    assert memory.memory is not None
    for lines in (cpu.cpu.lines, memory.memory.lines):
        assert {line.function for line in lines} == {"Context.ask"}  # type: ignore[attr-defined]
        assert max(line.hits for line in lines) >= 7, "a call of it for each answer"  # type: ignore[attr-defined]


def test_the_memory_after_each_run_in_one_process_is_measured(profiled: Profiled) -> None:
    leak = profiled.found.leak
    assert leak is not None
    assert len(leak.after) == 10
    assert min(leak.after) > 10 * 2**20
    assert leak.low <= leak.slope <= leak.high


def test_it_says_what_runs_now(profiled: Profiled) -> None:
    assert {"cProfile", "memory_profiler", "10 runs in one process"} <= {*profiled.told}


def test_samples_are_of_the_run_alone(profiled: Profiled) -> None:
    found = [each for each in profiled.found.recordings if each.profiler == "sample"]
    if not found:
        pytest.skip("py-spy may not look here")
    samples = found[0].samples
    assert samples is not None
    assert (profiled.found.folder / samples.file).stat().st_size > 0
    seen = {samples.frames[number].name for stack in samples.stacks for number in stack.frames}
    assert not seen & {"_run_module_as_main", "Child._run"}


def test_a_run_repeated_has_a_recording_each_time(tmp_path: Path) -> None:
    wanted = Wanted(job=quickstart(), repeats=3, folder=tmp_path / "p")
    found = profile(wanted, os.environ)
    assert [each.profiler for each in found.recordings] == ["spans"] * 3
    assert {file.name for file in found.folder.iterdir()} == {
        "spans.recording", "spans-2.recording", "spans-3.recording", "run.cassette",
    }  # fmt: skip


def test_a_run_that_is_not_to_be_kept_is_recorded_all_the_same(tmp_path: Path) -> None:
    found = profile(Wanted(job=quickstart(), folder=tmp_path / "p"), os.environ)
    assert found.recordings[0].outcome.status == "ok"
    assert not Path(os.environ["KONSEHO_HOME"]).exists()


def test_a_council_that_fails_leaves_a_recording_and_its_status(tmp_path: Path) -> None:
    council = tmp_path / "limited.yaml"
    text = "konseho: 1\nname: limited\ntask: Say.\nlimits: {calls: 1}\nmodel: 'sim:instant'\n"
    text += "agents: {ann: {role: You are Ann.}}\nsteps:\n"
    council.write_text(text + "  - {kind: ask, agent: ann}\n  - {kind: ask, agent: ann}\n")
    job = Job(council=council, name="run", folder=Path())
    wanted = Wanted(job=job, profilers=("spans", "cpu"), costs=False, folder=tmp_path / "p")
    found = profile(wanted, os.environ)
    assert found.exit_status == 5
    assert [each.outcome.status for each in found.recordings] == ["limit", "limit"]


def test_a_profiler_that_cannot_look_loses_nothing_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise NotMeasured("py-spy may not look here", hint="ask for it")

    monkeypatch.setattr("konseho_cli.profiling.recorders.recorder.check_allowed", refuse)
    job = quickstart()
    wanted = Wanted(job=job, profilers=("spans", "sample"), costs=False, folder=tmp_path / "p")
    found = profile(wanted, os.environ)
    assert (found.exit_status, found.warnings) == (4, ("py-spy may not look here. ask for it",))
    alone = Wanted(job=job, profilers=("sample",), folder=tmp_path / "q")
    with pytest.raises(NotMeasured):
        profile(alone, os.environ)
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"lines": ("make_plan",)}, "say --cpu or --memory"),
        ({"lines": ("no.module:f",), "profilers": ("cpu",)}, "there is no module"),
        ({"leaks": 3}, "too few runs"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    tmp_path: Path, wanted: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        profile(Wanted(job=quickstart(), folder=tmp_path / "p", **wanted), os.environ)  # type: ignore[arg-type]
    assert not (tmp_path / "p").exists()


def test_a_run_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    job = Job(council=tmp_path / "missing.yaml", name="run", folder=Path())
    with pytest.raises(KonsehoError) as raised:
        profile(Wanted(job=job, folder=tmp_path / "p"), os.environ)
    assert raised.value.exit_code == 2
    assert not (tmp_path / "p").exists()
