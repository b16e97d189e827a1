"""Settings of a run: each is seen in what the run does, by keyword and by preset alike."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from konseho_cli import Agent, Ask, Council, Parallel
from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.telemetry.events import (
    AskStarted,
    Event,
    StepFinished,
    StepStarted,
    TextArrived,
    Warned,
)

ANN, BOB = Agent(name="ann", role="You are ann."), Agent(name="bob", role="You are bob.")
SLOW = "sim:ttft=1,spread=0"


def council(**settings: Any) -> Council:
    return Council(
        agents=(ANN, BOB),
        steps=(Parallel(id="both", agents=("ann", "bob")), Ask(id="last", agent="ann")),
        **settings,
    )


def preset(folder: Path, settings: str, targets: str = "{}") -> Path:
    file = folder / "mine.yaml"
    text = f"konseho_preset: 1\nsettings: {settings}\ntargets: {targets}\n"
    file.write_text(text, encoding="utf-8")
    return file


def run(council: Council, listener: Callable[[Sequence[Event]], None] | None = None) -> RunOutcome:
    async def main(loop: VirtualLoop) -> RunOutcome:
        return await council.execute("Tea?", on_events=listener, model=SLOW)

    return run_virtual(main)


def collector_during(council: Council) -> tuple[bool, bool]:
    """Whether, while a step starts, garbage is collected by itself, and what was there is frozen."""
    seen: list[tuple[bool, bool]] = []

    def look(batch: Sequence[Event]) -> None:
        if any(type(event) is StepStarted for event in batch):
            seen.append((gc.isenabled(), gc.get_freeze_count() > 0))

    before = gc.isenabled(), gc.get_freeze_count()
    assert run(council, look).status == "ok"
    assert (gc.isenabled(), gc.get_freeze_count()) == before
    assert len(set(seen)) == 1
    return seen[0]


# ------------------------------------------------------------------------------ the collector


def test_optimize_leaves_out_of_collections_what_was_there_before() -> None:
    assert collector_during(council()) == (True, False)
    assert collector_during(council(optimize=True)) == (True, True)
    assert collector_during(council(preset="production")) == (True, True)
    assert collector_during(council(preset="production", optimize=False)) == (True, False)


def test_the_small_preset_collects_between_steps_alone() -> None:
    assert collector_during(council(preset="memory-constrained")) == (False, False)


def test_a_run_that_fails_puts_the_collector_back(tmp_path: Path) -> None:
    manual = council(preset=preset(tmp_path, "{gc: manual}"))
    outcome = asyncio.run(manual.execute("Tea?", model="sim:slow", timeout_s=0.001))
    assert outcome.status == "limit"
    assert gc.isenabled()


def test_runs_at_the_same_time_share_the_collector(tmp_path: Path) -> None:
    frozen = council(preset=preset(tmp_path, "{gc: frozen}"))

    async def main(loop: VirtualLoop) -> None:
        async def late() -> None:
            await asyncio.sleep(0.001)
            await frozen.execute("Tea?", model=SLOW)
            assert gc.get_freeze_count() == 0

        async with asyncio.TaskGroup() as group:
            group.create_task(late())
            await frozen.execute("Tea?", model=SLOW)
            assert gc.get_freeze_count() > 0  # the other one still runs

    run_virtual(main)


# ------------------------------------------------------------------------------ events


def kinds(council: Council) -> set[type[Event]]:
    seen: list[Event] = []
    run(council, seen.extend)
    return {type(event) for event in seen}


def test_a_level_is_the_most_that_a_listener_gets(tmp_path: Path) -> None:
    usual = kinds(council())
    assert AskStarted in usual
    assert TextArrived not in usual
    steps = kinds(council(preset=preset(tmp_path, "{events: steps}")))
    assert StepFinished in steps
    assert AskStarted not in steps
    assert kinds(council(preset=preset(tmp_path, "{events: all}"))) == {*usual, TextArrived}
    assert kinds(council(preset=preset(tmp_path, "{events: none}"))) == set()


def test_a_keyword_about_events_holds_over_the_preset(tmp_path: Path) -> None:
    silent = preset(tmp_path, "{emit_events: false}")
    assert kinds(council(preset=silent)) == set()
    assert AskStarted in kinds(council(preset=silent, emit_events=True))
    assert kinds(council(preset="development", emit_events=False)) == set()


def test_a_stream_gets_no_more_than_the_level() -> None:
    async def main(loop: VirtualLoop) -> set[type[Event]]:
        found = council(preset="production")
        return {type(event) async for event in found.stream("Tea?", model=SLOW)}

    assert run_virtual(main) & {AskStarted, TextArrived} == set()


def test_a_stream_that_nobody_reads_is_bounded_and_says_what_is_gone() -> None:
    crowd = [Agent(name=f"agent{number}") for number in range(3_000)]
    large = Council(agents=crowd, steps=[Parallel(agents=tuple(each.name for each in crowd))])

    async def main(loop: VirtualLoop) -> list[Event]:
        stream = large.stream("Tea?", model="sim:instant")
        seen = [await anext(stream)]
        await asyncio.sleep(60)  # the run goes on, and ends
        return seen + [event async for event in stream]

    first, warned, *rest = run_virtual(main)
    assert first.name == "run_started"
    assert isinstance(warned, Warned)
    assert len(rest) == 10_000
    assert rest[-1].name == "run_finished"
    assert len(large.outcome.calls) == 3_000
    assert "events were dropped" in large.outcome.warnings[-1]
    ats = [event.at for event in (first, warned, *rest)]
    assert ats == sorted(ats)


def test_events_are_written_to_a_file_and_where_none_are_built_that_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "events.jsonl"
    council().run("Tea?", model="sim:instant", events_out=file)
    assert len(file.read_text(encoding="utf-8").splitlines()) > 10
    with pytest.raises(UsageError, match="emit_events is off"):
        council(emit_events=False).run("Tea?", model="sim:instant", events_out=file)


# ------------------------------------------------------------------------------ the rest


def test_the_preset_bounds_calls_where_the_council_does_not_say(tmp_path: Path) -> None:
    one = preset(tmp_path, "{max_concurrency: 1}")

    def queued(outcome: RunOutcome) -> bool:
        return any(span.kind == "queue.limit" for span in outcome.spans)

    assert not queued(run(council()))
    assert queued(run(council(preset=one)))
    assert not queued(run(council(preset=one, max_concurrency=2)))


def test_the_preset_bounds_the_cache(tmp_path: Path) -> None:
    def hits(**settings: Any) -> int:
        found = council(**settings)
        for _ in range(2):
            outcome = found.run("Tea?", model="sim:instant", cache=True)
        return 0 if outcome.cache is None else outcome.cache.hits

    none = preset(tmp_path, "{cache_size: 0}")
    assert hits(preset=none) == 0
    assert hits() > 0
    assert hits(preset=none, cache_size=10) > 0


def test_a_preset_is_looked_for_beside_the_council(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "profiles").mkdir()
    preset(tmp_path / "profiles", "{emit_events: false}")
    monkeypatch.chdir(tmp_path)
    assert kinds(council(preset="mine")) == set()  # one made in Python lies in the current folder
    file = tmp_path / "deep" / "council.yaml"
    file.parent.mkdir()
    text = "konseho: 1\nname: x\nsteps: [{kind: ask, agent: {name: ann}}]\n"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="no preset 'mine'"):
        Council.load(file, preset="mine")
    assert kinds(Council.load(file, preset="development"))
