"""Runs that were kept, interrupted, gone on with and replayed; and one with everything in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.history import cassette_of, recalled
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.store.base import StoredRun, Wanted
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.events import AskFinished, Event

CHAOS: dict[str, Any] = {
    "konseho": 1,
    "name": "chaos",
    "task": "Go.",
    "on_error": "continue",
    "max_concurrency": 3,
    "models": {
        "shaky": {"use": "sim:flaky,ttft=0.05s", "hedge": True, "concurrency": 2, "rpm": 20,
                  "fallback": ["sim:fast"]},
        "quick": {"use": "sim:fast", "cache": "warm"},
    },
    "agents": {
        "one": {"role": "A.", "model": "shaky"},
        "two": {"role": "B.", "model": "quick"},
        "three": {"role": "C.", "model": "shaky"},
    },
    "steps": [
        {"id": "map", "kind": "split", "agent": "two", "items": ["1", "2", "3", "4", "5"],
         "min_agents": 1, "max_agents": 2, "strategy": "adaptive", "merge": "list"},
        {"id": "team", "kind": "parallel", "agents": ["one", "two", "three"], "needs": [],
         "quorum": 1, "wait": "quorum"},
        {"id": "argue", "kind": "debate", "agents": ["one", "two", "three"], "rounds": 2,
         "needs": ["map", "team"]},
        {"id": "pick", "kind": "vote", "candidates": "{{ argue.positions }}",
         "voters": ["one", "two", "three"], "early_stop": True},
    ],
}  # fmt: skip


def ran(session: Session, subscriptions: Sequence[Any] = ()) -> RunOutcome:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(session.run(subscriptions))


def chaos(
    store: MemoryStore, seed: int, stop_after: int | None = None, **wanted: Any
) -> RunOutcome:
    session = Session(
        check_document(CHAOS), RunOptions(seed=seed, **wanted), env={}, store=lambda: store
    )
    answers = 0

    def count(batch: Sequence[Event]) -> None:
        nonlocal answers
        for _ in batch:
            answers += 1
            if answers == stop_after:
                session.interrupt("SIGINT")

    return ran(session, [(count, frozenset({AskFinished}))])


def kept(store: MemoryStore) -> tuple[StoredRun, RunOutcome]:
    async def newest() -> tuple[StoredRun, RunOutcome]:
        run = (await store.runs(Wanted()))[0].began.run
        stored = await store.load(run)
        assert stored is not None
        spans, _ = await store.trace(run)
        return stored, recalled(stored, spans)

    return asyncio.run(newest())


def sums(analysis: Analysis) -> None:
    for shares in (analysis.by_kind, analysis.by_step, analysis.by_agent, analysis.by_model):
        assert sum(share.duration for share in shares) == analysis.makespan
    assert sum(segment.duration for segment in analysis.path.segments) == analysis.makespan


@pytest.mark.parametrize("seed", range(12))
def test_a_kept_run_has_the_analysis_that_it_had(seed: int) -> None:
    store = MemoryStore()
    then = analyse(chaos(store, seed))
    sums(then)
    _, again = kept(store)
    # Its times begin at 0; all that is measured is the same.
    assert structs.replace(analyse(again), path=then.path) == then
    names = {one.name for one in then.resources}
    assert "max_concurrency" in names
    assert {one.capacity for one in then.resources if one.name == "max_concurrency"} == {3}


@pytest.mark.parametrize("stop_after", [1, 4, 7, 11])
def test_a_run_that_was_interrupted_and_gone_on_with_sums_each_time(stop_after: int) -> None:
    store = MemoryStore()
    first = analyse(chaos(store, 0, stop_after))
    sums(first)
    stored, interrupted = kept(store)
    sums(analyse(interrupted))
    session = resume(stored, Resumption(), {}, None)
    session.ready.store = lambda: store
    resumed = ran(session)
    sums(analyse(resumed))
    sums(analyse(kept(store)[1]))


def test_a_replay_has_the_path_of_what_it_replays() -> None:
    store = MemoryStore()
    outcome = chaos(store, 3)
    cassette = cassette_of(kept(store)[0])
    replayed = chaos(MemoryStore(), 3, taping=Taping(replay=cassette))
    analysis = analyse(replayed)
    sums(analysis)
    assert {one.step for one in analysis.steps} == {one.step for one in analyse(outcome).steps}
    assert "journal" in {share.name for share in analysis.by_kind}, "answers in a model's place"
