"""Calls without the waits of the run that they were made in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.models.cache import CacheWishes
from konseho_cli.profiling.changes import Changes, Pace
from konseho_cli.profiling.held import held_calls
from konseho_cli.profiling.whatif import Rehearsal
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.store.memory_store import MemoryStore

TEAM = {"id": "team", "kind": "parallel", "agents": ["ann", "bob"]}


def council(**model: Any) -> dict[str, Any]:
    return {
        "konseho": 1, "name": "pair", "task": "Which way?",
        "models": {"usual": {"use": "sim:ttft=2,spread=0,tps=100", **model}},
        "agents": {name: {"role": f"You are {name}.", "model": "usual"} for name in ("ann", "bob")},
        "steps": [TEAM],
    }  # fmt: skip


def test_a_wait_for_a_slot_is_none_of_a_calls_own_time(really_run):
    alone = held_calls(*really_run(council())[1:])
    behind = held_calls(*really_run(council(), max_concurrency=1)[1:])
    assert [call.service for call in behind] == pytest.approx([call.service for call in alone])
    assert [call.first for call in behind] == pytest.approx([2e9, 2e9])
    assert not any(call.tries for call in behind)


def test_each_failed_attempt_is_held_with_its_backoff(really_run):
    run = really_run(council(use="sim:ttft=2,spread=0,tps=100,errors=0.5"), seed=4)
    retried = [call for call in held_calls(*run[1:]) if call.tries]
    assert retried
    for call in retried:
        assert {each.service for each in call.tries} == {2_000_000_000}
        assert all(each.backoff > 0 for each in call.tries)
        assert "simulated failure" in call.tries[0].reason


def test_without_spans_a_call_is_as_long_as_it_was(really_run):
    _, stored, _ = really_run(council(), max_concurrency=1)
    assert [call.service for call in held_calls(stored, ())] == [
        call.end - call.start for call in stored.calls
    ]


def test_a_fallbacks_answer_comes_when_it_came_and_at_its_price(really_run):
    failing = council(use="sim:errors=1,ttft=2,spread=0", attempts=1, fallback=["sim:fast"])
    outcome, stored, spans = really_run(failing)
    rehearsal = Rehearsal(stored, spans, {})
    assert rehearsal.unchanged.after_s == pytest.approx(outcome.duration_s, abs=1e-6)
    again = rehearsal.replay(Changes())
    assert {call.model for call in again.calls} == {"sim:fast"}
    half = rehearsal.predict(Changes(models={"sim:fast": Pace(factor=0.5)}))
    assert half.after_s == pytest.approx(outcome.duration_s / 2)


def test_a_shared_answer_takes_as_long_as_it_took_then(really_run):
    twins = council()
    for agent in twins["agents"].values():
        agent["role"] = "You are one of two."
    outcome, stored, spans = really_run(twins, caching=CacheWishes(cache=True))
    assert sorted(call.source for call in outcome.calls) == ["flight", "model"]
    assert Rehearsal(stored, spans, {}).unchanged.after_s == pytest.approx(outcome.duration_s)


def test_a_run_that_was_resumed_is_one_run(really_run):
    document = council()
    document["steps"] = [
        TEAM, {"id": "last", "kind": "ask", "agent": "ann"},
    ]  # fmt: skip
    whole = really_run(document)
    cut = really_run(document, timeout_s=4)
    assert cut.outcome.status == "limit"
    store = MemoryStore()
    going_on = resume(cut.stored, Resumption(timeout_s=60, force=True), {})
    session = Session(going_on.loaded, going_on.options, {}, store=lambda: store)

    async def go_on() -> Any:
        outcome = await session.run()
        return await store.load(outcome.run), (await store.trace(outcome.run))[0]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        stored, spans = runner.run(go_on())
    calls = {call.identity: call for call in (*cut.stored.calls, *stored.calls)}
    joined = structs.replace(stored, calls=tuple(calls.values()))
    rehearsal = Rehearsal(joined, [*cut.spans, *spans], {})
    assert rehearsal.predict(Changes()).limit_reached == ""
    assert rehearsal.unchanged.after_s == pytest.approx(whole.outcome.duration_s, rel=0.01)
