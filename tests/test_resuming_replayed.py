"""A run that was resumed replays to the end that it came to, where time had run out before."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.engine.history import cassette_of, latest_calls
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.memory_store import MemoryStore
from tests.test_resuming import first_run, gone_on, held, kept

ASK = {"kind": "ask", "agent": "ann"}
LOOP = {"id": "polish", "kind": "loop", "max": 3, "steps": [{"id": "draft", **ASK}]}


def council(*steps: dict[str, Any], **changed: Any) -> Loaded:
    return check_document({
        "konseho": 1, "name": "timed", "task": "t", "model": "sim",
        "agents": {"ann": {"role": "a"}}, "steps": list(steps), **changed,
    })  # fmt: skip


def replayed(store: MemoryStore, loaded: Loaded) -> RunOutcome:
    taping = Taping(replay=cassette_of(kept(store)), speed=0)
    return held(lambda: Session(loaded, RunOptions(taping=taping), env={}))


def told(outcome: RunOutcome) -> tuple[Any, ...]:
    steps = [(step.id, step.status, step.reasons) for step in outcome.steps]
    return outcome.status, outcome.answer, outcome.error, outcome.exit_code, steps


@pytest.mark.parametrize(
    "loaded",
    [
        council({"id": "plan", **ASK}, LOOP, limits={"time": "7s"}),
        council({"id": "plan", **ASK}, {**LOOP, "timeout": "6s"}),
        council({"id": "plan", **ASK}, {**LOOP, "limits": {"time": "6s"}}),
        council({"id": "plan", **ASK}, {**LOOP, "on_error": "continue", "timeout": "6s"}),
    ],
)
@pytest.mark.parametrize("stop_after", [2, 3])
def test_the_time_of_a_session_is_its_own_in_a_replay_too(loaded: Loaded, stop_after: int) -> None:
    store = MemoryStore()
    assert first_run(store, loaded, stop_after).status == "interrupted"
    second = gone_on(store, kept(store))
    assert second.status == "ok"
    assert told(second) != told(first_run(MemoryStore(), loaded))  # or else nothing is shown
    assert told(replayed(store, loaded)) == told(second)


def test_what_was_cut_short_where_it_was_to_be_mended_does_not_fail_as_before() -> None:
    store = MemoryStore()
    first_run(store, council({"id": "plan", **ASK}, model="sim:errors=1"))
    stored = kept(store)
    (failed,) = stored.calls
    cut = structs.replace(failed, status="cancelled", session=2, start=failed.end)
    assert list(latest_calls(structs.replace(stored, calls=(failed, cut)))) == [cut]


def test_what_was_cut_short_in_a_changed_council_is_what_its_replay_looks_up() -> None:
    def race(prompt: str) -> Loaded:
        agents = {"ann": {"role": "a"}, "bob": {"role": "b"}}
        step = {"id": "race", "kind": "parallel", "agents": ["ann", "bob"], "prompt": prompt,
                "wait": "quorum", "quorum": 1}  # fmt: skip
        return council(step, agents=agents)

    store = MemoryStore()
    first_run(store, race("Which way?"))
    second = gone_on(store, kept(store), force=True, loaded=race("Which other way?"))
    assert sorted(call.status for call in second.calls) == ["cancelled", "ok"]
    assert told(replayed(store, race("Which other way?"))) == told(second)


def test_a_limit_that_every_session_met_is_told_as_it_is_written() -> None:
    loaded, store = council({**LOOP, "max": 9}, limits={"time": "5s"}), MemoryStore()
    first_run(store, loaded)
    second = gone_on(store, kept(store))
    assert second.error == "the time limit of 5.0 s is reached"
    assert told(replayed(store, loaded)) == told(second)
