"""Runs that met a limit, kept: what it refused or cut short is known to a replay, not to a resume."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.engine.history import cassette_of, recalled
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.memory_store import MemoryStore
from tests.test_resuming import first_run, gone_on, held, kept

BOTH = {"id": "p", "kind": "parallel", "agents": ["ann", "bob"]}
LOOP = {"id": "l", "kind": "loop", "max": 5, "until": "{{ false }}", "steps": [BOTH]}
LAST = {"id": "e", "kind": "ask", "agent": "bob", "on_error": "continue"}


def council(*steps: dict[str, Any], ann: dict[str, Any] | None = None, **changed: Any) -> Loaded:
    return check_document({
        "konseho": 1, "name": "panel", "task": "Which way?", "model": "sim:fast",
        "agents": {"ann": {"role": "You are bold.", **(ann or {})}, "bob": {"role": "Be careful."}},
        "steps": list(steps), **changed,
    })  # fmt: skip


COUNCILS = {
    "calls of a step": council({**LOOP, "limits": {"calls": 3}, "on_error": "continue"}, LAST),
    "time of a step": council({**LOOP, "limits": {"time": 0.6}, "on_error": "continue"}, LAST),
    "timeout of a step": council({**BOTH, "timeout": 0.1, "on_error": "continue"}, LAST),
    "calls of an agent": council({**LOOP, "on_error": "continue"}, LAST, ann={"limits": {"calls": 1}}),
    "time of an agent": council({**BOTH, "quorum": 1}, LAST, ann={"limits": {"time": 0.1}}),
    "calls of the run": council(LOOP, limits={"calls": 3}),
    "time of the run": council(BOTH, LAST, limits={"time": 0.3}),
}  # fmt: skip


def came_to(outcome: RunOutcome) -> dict[str, Any]:
    return {
        "run": (outcome.status, outcome.error, outcome.exit_code, outcome.answer),
        "steps": [(step.id, step.status, step.reasons, step.value) for step in outcome.steps],
        "calls": sorted(
            (call.step, call.agent, call.status, call.error, call.usage.total)
            for call in outcome.calls
        ),
    }


@pytest.mark.parametrize("name", COUNCILS)
def test_a_kept_run_that_met_a_limit_is_recalled_and_replayed_as_it_was(name: str) -> None:
    loaded, store = COUNCILS[name], MemoryStore()
    outcome = first_run(store, loaded)
    assert outcome.status in ("degraded", "limit")
    stored = kept(store)
    spans, _ = asyncio.run(store.trace(outcome.run))
    assert came_to(recalled(stored, spans)) == came_to(outcome)
    options = RunOptions(taping=Taping(replay=cassette_of(stored), speed=0))
    assert came_to(held(lambda: Session(loaded, options, env={}))) == came_to(outcome)


@pytest.mark.parametrize("name", COUNCILS)
def test_a_replay_of_one_that_is_recorded_replays_to_the_same_end(
    name: str, tmp_path: Path
) -> None:
    loaded, store = COUNCILS[name], MemoryStore()
    outcome = first_run(store, loaded)
    file = tmp_path / "copy.konseho"
    for taping in (
        Taping(replay=cassette_of(kept(store)), speed=0, record=file),
        Taping(replay=file, speed=0),
    ):
        again = held(partial(Session, loaded, RunOptions(taping=taping), env={}))
        assert came_to(again) == came_to(outcome)


def test_what_a_limit_refused_is_asked_where_there_is_more_of_it() -> None:
    store = MemoryStore()
    twice = {**LOOP, "max": 2}
    limited = first_run(store, council(twice, limits={"calls": 3}))
    assert limited.status == "limit"
    assert [call.status for call in limited.calls].count("failed") == 1
    more = gone_on(store, kept(store), loaded=council(twice, limits={"calls": 9}), force=True)
    assert [(call.status, call.source) for call in more.calls] == [
        *[("ok", "journal")] * 2, *[("ok", "model")] * 2,
    ]  # fmt: skip
