"""Whom a run picked is picked again: by a resume, which pays nobody twice, and by a replay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.history import cassette_of
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.picked import picked
from konseho_cli.engine.taping import Taping
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.store.base import StoredRun, Wanted
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.events import AskFinished, Event


def _vote(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "kind": "vote", "candidates": ["left", "right"], "method": "moderator",
        "moderators": ["ann", "bob", "cid"], **more,
    }  # fmt: skip


def _council(by: str) -> Any:
    names = ["ann", "bob", "cid", "dee", "eve"]
    return check_document(
        {
            "konseho": 1, "name": "panel", "task": "Which way?", "model": "sim",
            "agents": {name: {"role": f"You are {name}."} for name in names},
            "steps": [
                _vote("one", pick=by, needs=[]),
                _vote("two", pick=by, needs=[]),
                {"id": "argue", "kind": "debate", "agents": ["dee", "eve"], "rounds": 1,
                 "moderators": ["ann", "bob", "cid"], "pick": by, "needs": []},
                _vote("three", pick=by, needs=["argue", "one"]),
            ],
        }
    )  # fmt: skip


def _held(session: Session, stop_after: int | None = None) -> RunOutcome:
    answers = 0

    def count(batch: Sequence[Event]) -> None:
        nonlocal answers
        for _ in batch:
            answers += 1
            if answers == stop_after:
                session.interrupt("SIGINT")

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(session.run([(count, frozenset({AskFinished}))]))


def _kept(store: MemoryStore) -> StoredRun:
    async def newest() -> StoredRun:
        found = await store.load((await store.runs(Wanted()))[0].began.run)
        assert found is not None
        return found

    return asyncio.run(newest())


def _chosen(outcome: RunOutcome) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for step in outcome.steps:
        if step.kind == "vote":
            found[step.id] = step.details["moderator"]["agent"]
        else:
            found[step.id] = [one["moderator"] for one in step.details["accounts"]]
    return found


each_way = pytest.mark.parametrize("by", ["round_robin", "load"])


@each_way
@pytest.mark.parametrize("stop_after", range(1, 9))
def test_a_run_that_goes_on_asks_whom_it_had_asked(by: str, stop_after: int) -> None:
    store, loaded = MemoryStore(), _council(by)
    _held(Session(loaded, RunOptions(), env={}, store=lambda: store), stop_after)
    before = _kept(store)
    paid = [call.identity for call in before.calls if call.status == "ok"]
    session = resume(before, Resumption(), {}, loaded)
    session.ready.store = lambda: store
    second = _held(session)
    assert second.status == "ok"
    assert second.resumed is not None
    assert second.resumed.calls == len(paid)
    assert len([call for call in second.calls if call.source == "model"]) + len(paid) == 9


SPLIT = check_document(
    {
        "konseho": 1, "name": "split", "task": "Which way?", "model": "sim",
        "agents": {"ann": {"role": "You are bold."}, "bob": {"role": "You are careful."}},
        "steps": [{"id": "cut", "kind": "split", "agents": ["ann", "bob"],
                   "items": list("abcdefgh"), "max_agents": 2}],
    }
)  # fmt: skip


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_no_piece_goes_to_another_agent_when_its_answer_is_paid(stop_after: int) -> None:
    store = MemoryStore()
    _held(Session(SPLIT, RunOptions(), env={}, store=lambda: store), stop_after)
    before = _kept(store)
    ended = tuple(call for call in before.calls if call.status == "ok")  # as after `kill -9`
    killed = structs.replace(
        before, row=structs.replace(before.row, ended=None), calls=ended, steps=()
    )
    session = resume(killed, Resumption(force=True), {}, SPLIT)
    session.ready.store = lambda: store
    second = _held(session)
    assert second.status == "ok"
    assert len([call for call in second.calls if call.source == "model"]) == 8 - len(ended)


def test_a_replay_lends_the_same_instances_however_uneven_its_times_are() -> None:
    store = MemoryStore()
    first = _held(Session(SPLIT, RunOptions(), env={}, store=lambda: store))
    cassette = cassette_of(_kept(store))
    took = [structs.replace(one, duration=1) for one in cassette.answers]
    even = structs.replace(cassette, answers=took)
    again = _held(Session(SPLIT, RunOptions(taping=Taping(replay=even, speed=1.0)), env={}))
    assert (again.status, again.answer) == ("ok", first.answer)


@each_way
def test_a_replay_picks_the_same_however_long_its_answers_take(by: str) -> None:
    store, loaded = MemoryStore(), _council(by)
    first = _held(Session(loaded, RunOptions(), env={}, store=lambda: store))
    cassette = cassette_of(_kept(store))
    for speed in (1.0, 0.0, 7.0):
        replayed = RunOptions(taping=Taping(replay=cassette, speed=speed))
        again = _held(Session(loaded, replayed, env={}))
        assert _chosen(again) == _chosen(first)
        assert again.status == "ok"


def test_who_followed_a_failure_is_known_in_its_order() -> None:
    calls = [
        ("pick", "moderator", 0, "ann"), ("pick", "moderator", 0, "ann"),
        ("pick", "moderator", 0, "bob"), ("pick", "", 0, "cid"), ("pick/ann", "moderator", 0, "dee"),
    ]  # fmt: skip
    assert picked(calls)["pick", "moderator", 0] == ("ann", "bob")
    assert ("pick", "", 0) not in picked(calls)
