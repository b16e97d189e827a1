"""The whole of what a profile recorded, as a terminal shows it, and its parts."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from msgspec import structs

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.options import RunOptions
from konseho_cli.profiling.cpu_profile import CpuProfile, FunctionTime, GroupTime, LineTime
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.memory_profile import (
    Leak,
    LineMemory,
    MemoryPoint,
    MemoryProfile,
    StepMemory,
)
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.profiled import Profiled, ProfilerCost
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.profiling.sampled import Frame, Samples, Stack
from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.cpu import cpu_lines
from konseho_cli.report.findings import finding_lines, verdict_lines
from konseho_cli.report.flame_graph import flame_graph
from konseho_cli.report.frame import as_text
from konseho_cli.report.memory import leak_lines
from konseho_cli.report.profile import profile_lines
from konseho_cli.report.samples import by_function, sample_lines
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.store.memory_store import MemoryStore

MIB = 2**20
PREDICTION = Prediction(
    change="ann takes half the time", options=("--agent ann=0.5x",), before_s=4.0, after_s=3.0,
    cost=None, calls=7, guessed=0, path=(),
)  # fmt: skip
VERDICTS = (
    Verdict(name="time", target="5.0 s", measured="4.0 s", met=True, limit=5, value=4, unit="s"),
    Verdict(name="cost", target="$0.5", measured="$1", met=False, limit=0.5, value=1, unit="$"),
    Verdict(name="cold", target="100 ms", measured="not measured here", met=True, limit=0.1,
            value=None, unit="s", elsewhere="make bench"),
)  # fmt: skip


def function(name: str, group: str, own_s: float, **more: object) -> FunctionTime:
    given = {"file": "konseho_cli/a.py", "line": 7, "calls": 1200, "total_s": 2 * own_s, **more}
    return FunctionTime(name=name, group=group, own_s=own_s, **given)  # type: ignore[arg-type]


CPU = CpuProfile(
    functions=(
        function("method 'poll' of 'select.epoll' objects", "waiting", 4.0, file="", line=0),
        function("Execution.run", "coordination", 0.030),
        function("zlib.\x1b[31mcompress", "context serialization", 0.012, file="", line=0),
    ),
    groups=(
        GroupTime(name="waiting", calls=99, own_s=4.0, share=0.0),
        GroupTime(name="coordination", calls=1200, own_s=0.030, share=0.6),
        GroupTime(name="context serialization", calls=45, own_s=0.012, share=0.24),
        GroupTime(name="aiohttp", calls=3, own_s=0.008, share=0.16),
    ),
    total_s=4.05, waiting_s=4.0, threads=1, notes=("a note",), file="cpu.pstats",
    lines=(
        LineTime(function="f", file="a.py", line=3, hits=10, seconds=0.9, source="    x = 1"),
        LineTime(function="f", file="a.py", line=4, hits=9, seconds=0.1, source="\treturn x"),
    ),
)  # fmt: skip
MEMORY = MemoryProfile(
    points=tuple(
        MemoryPoint(at=at * 10**9, resident=size * MIB)
        for at, size in ((-1, 20), (0, 30), (1, 34), (2, 60), (3, 50))
    ),
    interval_s=1.0, before=30 * MIB, peak=60 * MIB, after=50 * MIB, agents=4,
    steps=(StepMemory(step="answers", peak=34 * MIB, growth=4 * MIB),
           StepMemory(step="ballot", peak=60 * MIB, growth=-MIB)),
    lines=(LineMemory(function="g", file="b.py", line=9, hits=2, growth=5 * MIB,
                      resident=60 * MIB, source="  hold = load()"),),
)  # fmt: skip
SAMPLES = Samples(
    rate=100, idle=False, gil=False, file="sample.speedscope.json",
    frames=(
        Frame(name="Runner.run", file="asyncio/runners.py", line=86),
        Frame(name="render <&>", file="konseho_cli/context/templates.py", line=40),
        Frame(name="EpollSelector.select", file="selectors.py", line=451),
    ),
    stacks=(
        Stack(frames=(0, 1), samples=60, thread="MainThread"),
        Stack(frames=(0, 1, 1), samples=10, thread="MainThread"),
        Stack(frames=(0, 2), samples=30, thread="MainThread"),
    ),
)  # fmt: skip
LEAK = Leak(after=tuple(BASE + n * 2**16 for n, BASE in enumerate([40 * MIB] * 12)), slope=65536.0,
            low=60000.0, high=70000.0)  # fmt: skip


@pytest.fixture(scope="module")
def recordings() -> Profiled:
    import asyncio

    store, loaded = MemoryStore(), load_council(find_council("quickstart"))
    session = Session(loaded, RunOptions(task="Which?"), env={}, store=lambda: store)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome = runner.run(session.run())
        stored = runner.run(store.load(outcome.run))
        spans, _ = runner.run(store.trace(outcome.run))
    assert stored is not None
    first = Recording(
        version="1", made=1e9, machine=Machine(python="3.11.7", platform="linux", cpus=2),
        profiler="cpu", replayed=None, cpu_s=0.05, run=stored, spans=tuple(spans), cpu=CPU,
    )  # fmt: skip
    others = (
        structs.replace(first, profiler="memory", cpu=None, memory=MEMORY, replayed=outcome.run),
        structs.replace(first, profiler="sample", cpu=None, samples=SAMPLES, replayed=outcome.run),
    )
    costs = (ProfilerCost(profiler="cpu", cpu=1.114, wall=1.2, pairs=4),
             ProfilerCost(profiler="memory", cpu=1.02, wall=1.0, pairs=4))  # fmt: skip
    found = Finding(
        topic="slots", where="max_concurrency", what="calls wait", advice="set it", saves_s=1.5
    )
    return Profiled(
        recordings=(first, *others), analysis=analyse(first.outcome), costs=costs, leak=LEAK,
        findings=(found,), predictions=(PREDICTION,), verdicts=VERDICTS,
    )  # fmt: skip


def test_the_whole_report(recordings, golden):
    text = as_text([*profile_lines(recordings, UNICODE, 100)])
    assert "\x1b" not in text
    golden("profile.txt", text + "\n")


def test_no_line_is_wider_than_the_terminal_but_notes(recordings):
    for width in (60, 80, 120):
        for line in as_text([*profile_lines(recordings, ASCII, width)]).splitlines():
            assert len(line) <= max(width, 84), line
            assert not {*line} & {*"█░▁·"}, line


def test_targets_of_konseho_that_a_profile_cannot_measure_are_counted():
    ours = [structs.replace(VERDICTS[2], name=f"t{number}", own=False) for number in range(13)]
    nobody = structs.replace(ours[0], name="found", elsewhere="nothing measures it yet")
    lines = as_text([*verdict_lines((*VERDICTS, *ours, nobody), UNICODE)]).splitlines()
    assert lines[-2:] == [
        "  – not measured here: cold, found", "  – 13 more: konseho bench measures them",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_of_cpu_and_its_notes_fit_the_terminal(width):
    noted = structs.replace(CPU, notes=("a note of many words " * 9,))
    lines = as_text([*cpu_lines(noted, UNICODE, width)]).splitlines()
    assert max(map(cells, lines)) <= width
    assert any(line.endswith("1,200 calls") for line in lines) == (width >= 80)
    assert "█" in lines[1]
    notes = [line for line in lines if "words" in line]
    assert notes[0].startswith("  · a note")
    assert len(notes) > 1
    assert all(line.startswith("    ") for line in notes[1:])


def test_a_topic_without_time_still_has_its_line(recordings):
    text = as_text([*profile_lines(recordings, UNICODE, 100)])
    assert "event emission         ░" in text
    assert "history                ░" in text


def test_functions_are_counted_once_where_they_recur():
    found = {each.frame.name: (each.own, each.total) for each in by_function(SAMPLES)}
    assert found == {
        "render <&>": (70, 70), "Runner.run": (0, 100), "EpollSelector.select": (30, 30),
    }  # fmt: skip


def test_a_run_that_computed_nothing_says_so():
    empty = structs.replace(SAMPLES, stacks=())
    assert "--rate 1000" in as_text([*sample_lines(empty, UNICODE, 100)])


def test_a_leak_is_told_from_none():
    assert "it grows: +64 KiB a run" in as_text([*leak_lines(LEAK, UNICODE)])
    tight = structs.replace(LEAK, slope=100.0, low=-50.0, high=200.0)
    assert "no leak: +100 B a run, −50 B to +200 B" in as_text([*leak_lines(tight, UNICODE)])


def test_the_flame_graph_is_well_formed_and_as_wide_as_its_samples():
    text = flame_graph(SAMPLES, 'a "council" <&>')
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(each.get("width", 0)) for each in root.iter(f"{space}rect")]
    assert max(widths) == 1200
    titles = [each.text or "" for each in root.iter(f"{space}title")]
    assert any(title.startswith("render <&> konseho_cli/context") for title in titles)
    assert any("70 samples, 70.0%" in title for title in titles)
    assert "script" not in text
    ElementTree.fromstring(flame_graph(structs.replace(SAMPLES, stacks=()), "empty"))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ok", "No bottleneck stands out"), ("failed", "The run failed: this is what"),
        ("limit", "The run reached a limit: this"), ("interrupted", "The run was interrupted: this"),
    ],
)  # fmt: skip
def test_what_ended_early_is_not_said_to_have_no_bottleneck(status, said):
    (line,) = finding_lines((), status)
    assert line[0].text.startswith(said)
