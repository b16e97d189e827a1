"""Runs that are kept, recalled, and gone on with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.core.errors import StoreFailed, UsageError
from konseho_cli.core.packing import unpack
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.history import cassette_of, recalled
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing
from konseho_cli.engine.taping import Taping
from konseho_cli.report.json import outcome_document
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import check_document, load_council
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import CallKept, Record, StoredRun, Wanted
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.bus import Subscription
from konseho_cli.telemetry.events import AskFinished, Event

COUNCIL: dict[str, Any] = {
    "konseho": 1,
    "name": "panel",
    "task": "Which way?",
    "model": "sim",
    "agents": {"ann": {"role": "You are bold."}, "bob": {"role": "You are careful."}},
    "steps": [
        {"id": "first", "kind": "parallel", "agents": ["ann", "bob"]},
        {"id": "argue", "kind": "debate", "agents": ["ann", "bob"], "rounds": 1},
        {"id": "pick", "kind": "vote", "candidates": "{{ argue.positions }}",
         "voters": ["ann", "bob"]},
        {"id": "result", "kind": "chair", "agent": "ann"},
    ],
}  # fmt: skip


def council(**changed: Any) -> Loaded:
    return check_document({**COUNCIL, **changed})


def held(session: Callable[[], Session], subscriptions: Sequence[Subscription] = ()) -> RunOutcome:
    """One run, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(session().run(subscriptions))


def first_run(store: MemoryStore, loaded: Loaded, stop_after: int | None = None) -> RunOutcome:
    """A run that is kept; interrupted after so many answers."""
    session = Session(
        loaded, RunOptions(inputs=fill_inputs(loaded.spec, {})), env={}, store=lambda: store
    )
    answers = 0

    def count(batch: Sequence[Event]) -> None:
        nonlocal answers
        for _ in batch:
            answers += 1
            if answers == stop_after:
                session.interrupt("SIGINT")

    return held(lambda: session, [(count, frozenset({AskFinished}))])


def kept(store: MemoryStore) -> StoredRun:
    async def newest() -> StoredRun:
        found = await store.load((await store.runs(Wanted()))[0].began.run)
        assert found is not None
        return found

    return asyncio.run(newest())


def gone_on(store: MemoryStore, stored: StoredRun, **wanted: Any) -> RunOutcome:
    loaded = wanted.pop("loaded", None)
    session = resume(stored, Resumption(**wanted), {}, loaded)
    session.ready.store = lambda: store
    return held(lambda: session)


def killed(stored: StoredRun) -> StoredRun:
    """As after `kill -9`: without an end."""
    return structs.replace(stored, row=structs.replace(stored.row, ended=None))


def test_a_kept_run_is_recalled_as_it_was() -> None:
    store = MemoryStore()
    outcome = first_run(store, council())
    stored = kept(store)
    spans, _ = asyncio.run(store.trace(outcome.run))
    then, now = (outcome_document(each, (), 0) for each in (outcome, recalled(stored, spans)))
    assert then.pop("started")[:10] == now.pop("started")[:10]
    assert json.dumps(now) == json.dumps(then)
    assert now["critical_path"]["segments"]


@pytest.mark.parametrize("stop_after", range(1, 9))
def test_a_run_that_was_interrupted_anywhere_goes_on_to_the_same_end(stop_after: int) -> None:
    whole, store = first_run(MemoryStore(), council()), MemoryStore()
    first = first_run(store, council(), stop_after)
    assert first.status == "interrupted"
    before = kept(store)
    done = [call for call in before.calls if call.status == "ok"]
    second = gone_on(store, before)
    assert (second.status, second.answer, second.run) == ("ok", whole.answer, first.run)
    assert second.resumed is not None
    assert second.resumed.calls == len(done)
    asked = [call for call in second.calls if call.source == "model"]
    assert len(asked) + len(done) == len(whole.calls)
    after = kept(store)
    answered = [call for call in after.calls if call.status != "cancelled"]
    assert (after.row.sessions, len(answered)) == (2, len(whole.calls))
    assert second.whole.calls == after.row.calls
    assert after.row.ended is not None
    assert recalled(after).answer == whole.answer


def test_a_run_that_was_killed_goes_on_as_well_and_one_that_is_whole_asks_nobody() -> None:
    store = MemoryStore()
    whole = first_run(store, council())
    for cut in (lambda stored: stored, killed):
        again = gone_on(store, cut(kept(store)), force=True)
        assert (again.calls, again.answer, again.status) == ((), whole.answer, "ok")


def test_a_run_whose_last_steps_are_missing_takes_their_calls_from_what_is_kept() -> None:
    store = MemoryStore()
    whole = first_run(store, council())
    stored = kept(store)
    short = structs.replace(stored, steps=stored.steps[:2])
    writes = [resume(each, Resumption(), {}).options.storing.enabled for each in (stored, short)]
    assert writes == [False, True]
    again = gone_on(store, short)
    assert {call.source for call in again.calls} == {"journal"}
    assert (again.answer, again.status) == (whole.answer, "ok")


def test_the_times_of_a_run_that_was_killed_and_gone_on_with_are_those_of_one_run() -> None:
    store = MemoryStore()
    whole = first_run(store, council())
    first_run(store, council(), 5)
    stored = killed(kept(store))
    second = gone_on(store, stored, force=True)
    spans, _ = asyncio.run(store.trace(second.run))
    second_session = [span for span in spans if span.id >= 1 << 40]
    outcome = recalled(kept(store), second_session)  # the first one's own span never ended
    document = outcome_document(outcome, (), 0)
    starts = [step["start_s"] for step in document["steps"]]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert document["duration_s"] >= whole.duration_s


def test_a_run_that_still_runs_is_left_alone() -> None:
    store = MemoryStore()
    first_run(store, council())
    with pytest.raises(UsageError, match="still running, as process"):
        gone_on(store, killed(kept(store)))


def test_a_run_of_another_machine_needs_force() -> None:
    store = MemoryStore()
    first_run(store, council())
    stored = killed(kept(store))
    began = structs.replace(stored.row.began, process="elsewhere:1:1")
    stored = structs.replace(stored, row=structs.replace(stored.row, began=began))
    with pytest.raises(UsageError, match="began on elsewhere"):
        gone_on(store, stored)


def test_a_changed_council_is_refused_with_the_difference_and_forced_asks_what_is_new() -> None:
    store = MemoryStore()
    first_run(store, council(), 6)
    stored = kept(store)
    agents = {**COUNCIL["agents"], "bob": {"role": "You are very careful."}}
    changed = council(agents=agents)
    with pytest.raises(UsageError, match=r"(?s)has changed since run .*-.*careful.*\+.*very"):
        gone_on(store, stored, loaded=changed)
    forced = gone_on(store, stored, loaded=changed, force=True)
    assert forced.status == "ok"
    again = [(call.agent, call.source) for call in forced.calls if call.step == "first"]
    assert sorted(again) == [("ann", "journal"), ("bob", "model")]


def test_what_was_spent_counts_against_the_limits_of_a_resumed_run() -> None:
    store = MemoryStore()
    loaded = council(limits={"calls": 5})
    assert first_run(store, loaded).status == "limit"
    again = gone_on(store, kept(store))
    assert (again.status, sum(call.requests for call in again.calls)) == ("limit", 0)


def test_a_kept_run_replays_without_a_model(tmp_path: Path) -> None:
    store = MemoryStore()
    whole = first_run(store, council())
    options = RunOptions(taping=Taping(replay=cassette_of(kept(store)), speed=0))
    replayed = held(lambda: Session(council(), options, env={}))
    assert (replayed.answer, replayed.replayed) == (whole.answer, True)
    assert replayed.duration_s == whole.duration_s


class Full(MemoryStore):
    """Takes so many calls, and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    async def write(self, records: Sequence[Record]) -> None:
        self.room -= sum(isinstance(record, CallKept) for record in records)
        if self.room < 0:
            raise StoreFailed("the disk is full", hint="make room")
        await super().write(records)


@pytest.mark.parametrize("room", [0, 3])
def test_a_store_that_takes_no_more_ends_the_run_and_what_was_said_is_not_thrown_away(
    room: int,
) -> None:
    outcome = first_run(Full(room), council())
    assert (outcome.status, outcome.error, outcome.hint) == (
        "failed",
        "the disk is full",
        "make room",
    )
    assert outcome.exit_code == 3
    assert any(step.parts for step in outcome.steps)


def test_a_council_whose_file_is_gone_goes_on_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "panel.yaml"
    file.write_text(json.dumps(COUNCIL))
    store = MemoryStore()
    first_run(store, load_council(file), 3)
    file.unlink()
    outcome = gone_on(store, kept(store))
    assert outcome.status == "ok"
    assert any("panel.yaml is gone" in warning for warning in outcome.warnings)


@given(
    seed=st.integers(0, 10_000),
    stop_after=st.integers(1, 12),
    on_error=st.sampled_from(["halt", "continue", "retry"]),
    wait=st.sampled_from(["all", "quorum"]),
)
@example(seed=583, stop_after=8, on_error="halt", wait="all")  # a step failed at that very moment
@settings(max_examples=60, deadline=None)
def test_whatever_fails_an_interrupted_run_ends_as_one_that_was_not(
    seed: int, stop_after: int, on_error: str, wait: str
) -> None:
    steps = [{**step} for step in COUNCIL["steps"]]
    steps[0].update(quorum=1, wait=wait)
    loaded = council(
        seed=seed, on_error=on_error, steps=steps, model="m",
        models={"m": {"use": "sim:errors=0.15", "attempts": 1}},
    )  # fmt: skip
    whole, store = first_run(MemoryStore(), loaded), MemoryStore()
    first = first_run(store, loaded, stop_after)
    stored = kept(store)
    done = {call.body for call in stored.calls if call.status == "ok"}
    again = gone_on(store, stored)
    if first.status == "interrupted":
        assert (again.status, again.answer, again.error) == (
            whole.status,
            whole.answer,
            whole.error,
        )
    assert done <= {call.body for call in kept(store).calls}  # none was asked again


def test_runs_that_are_too_old_go_when_one_ends_and_only_where_it_is_asked_for() -> None:
    store = MemoryStore()
    old = first_run(store, council())
    for keep_s, left in ((None, 2), (60.0, 1)):
        storing = Storing(enabled=True, keep_s=keep_s)
        options = RunOptions(inputs={}, storing=storing)
        session = Session(council(), options, env={}, store=lambda: store)
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(wall_s=1e9)) as runner:
            new = runner.run(session.run())
        rows = asyncio.run(store.runs(Wanted()))
        assert len(rows) == left, keep_s
        asyncio.run(store.remove([new.run]))
    assert old.run not in {row.began.run for row in rows}


def test_no_key_of_the_environment_is_kept_wherever_it_stands() -> None:
    key, store = "sk-a-key-of-some-length", MemoryStore()
    agents = {**COUNCIL["agents"], "bob": {"role": f"You know {key}."}}
    loaded = council(agents=agents, inputs={"hint": {"default": f"use {key}"}})
    options = RunOptions(task=f"Is {key} safe?", inputs=fill_inputs(loaded.spec, {}))
    session = Session(loaded, options, env={"OPENAI_API_KEY": key}, store=lambda: store)
    assert held(lambda: session).status == "ok"
    stored = kept(store)
    packed = [stored.row.began.document, *(each.body for each in (*stored.steps, *stored.calls))]
    assert key not in repr(stored)
    assert not any(key in json.dumps(unpack(each)) for each in packed)
    assert "Is *** safe?" in json.dumps(unpack(packed[0]))


@pytest.mark.parametrize("key", ['a "quoted" key', "a back\\slash key", "a ключ of letters"])
def test_no_key_is_kept_in_a_span_or_an_event_where_json_spells_it_otherwise(key: str) -> None:
    pieces = [f"use {key}", f"\ud83d {key}"]
    step = {"id": "s", "kind": "split", "agents": ["ann"], "items": "{{ inputs.pieces }}",
            "merge": "list"}  # fmt: skip
    loaded, store = council(steps=[step], inputs={"pieces": {}}), MemoryStore()
    storing = Storing(enabled=True, events=True)
    options = RunOptions(inputs={"pieces": pieces}, storing=storing)
    held(lambda: Session(loaded, options, env={"OPENAI_API_KEY": key}, store=lambda: store))
    spans, events = asyncio.run(store.trace(kept(store).row.began.run))
    lines = [*(each.attributes for each in spans), *(each.fields for each in events)]
    told = str([json.loads(line) for line in lines])
    assert "use ***" in told
    assert "\\ud83d ***" in told
    assert not any(spelt in told for spelt in (key, repr(key)[1:-1]))


def test_a_step_that_cannot_be_written_down_ends_the_run() -> None:
    class Breaks(MemoryStore):
        def soon(self, records: Sequence[Record]) -> None:
            raise TypeError("it cannot be packed")

    loaded = council()
    with pytest.raises(TypeError, match="it cannot be packed"):
        held(lambda: Session(loaded, RunOptions(), env={}, store=Breaks))
