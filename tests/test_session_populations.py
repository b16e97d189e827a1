"""Populations in whole runs: kept, gone on with, cached, and as many as there may be."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.packing import unpack
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.gear import cast_with, shared_of
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import make_plan
from konseho_cli.models.cache import CacheWishes
from konseho_cli.profiling.whatif.changes import Changes, Pace
from konseho_cli.profiling.whatif.rehearsal import Rehearsal
from konseho_cli.report.prompts import rehearse
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import check_document, load_council
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.populations import specimen
from konseho_cli.store.base import StoredRun
from konseho_cli.store.memory_store import MemoryStore

PEOPLE = [{"name": name, "mood": mood} for name, mood in
          (("Ana", "calm"), ("Bo", "sly"), ("Cy", "calm"), ("Di", "calm"))]  # fmt: skip
TOWN: dict[str, Any] = {
    "konseho": 1,
    "name": "town",
    "task": "Which way?",
    "model": "sim",
    "inputs": {"people": {"type": "json", "default": PEOPLE}},
    "agents": {
        "villager": {"each": "{{ inputs.people }}", "role": "You are {{ item.mood }}."},
        "chair": {},
    },
    "steps": [
        {"id": "hear", "kind": "parallel", "agents": ["villager"], "batch": 2,
         "prompt": "{{ task }}"},
        {"id": "argue", "kind": "debate", "agents": ["villager"], "groups": 2, "rounds": 1,
         "prompt": "{{ item.name }} said: {{ hear[agent] }}"},
        {"id": "pick", "kind": "vote", "candidates": ["left", "right"], "voters": ["villager"],
         "batch": 3, "prompt": "{{ item.name }}, choose."},
        {"id": "end", "kind": "chair", "agent": "chair"},
    ],
}  # fmt: skip


def options(loaded: Loaded, **said: Any) -> RunOptions:
    inputs = fill_inputs(loaded.spec, said.pop("inputs", {}))
    return RunOptions(inputs=inputs, wishes=Wishes(model="sim"), **said)


def kept(loaded: Loaded, **said: Any) -> tuple[RunOutcome, StoredRun]:
    store = MemoryStore()
    session = Session(loaded, options(loaded, **said), env={}, store=lambda: store)
    outcome = run_virtual(lambda loop: session.run())
    stored = asyncio.run(store.load(outcome.run))
    assert stored is not None
    return outcome, stored


def test_a_member_reads_its_state_and_what_it_said_before() -> None:
    loaded = check_document(TOWN)
    session = Session(loaded, options(loaded), env={})
    outcome = run_virtual(lambda loop: session.run())
    assert outcome.status == "ok"
    assert list(outcome.step("hear").value) == [f"villager_{number}" for number in range(1, 5)]
    asked = [call.agent for call in outcome.calls]
    assert asked.count("villager_3") == 4
    assert asked.count("chair") == 1
    assert session.spec.agents["villager_2"].system == "You are sly."


def test_what_is_kept_names_the_population_and_going_on_expands_it_again() -> None:
    outcome, stored = kept(check_document(TOWN))
    document: Any = unpack(stored.row.began.document)
    assert list(document["council"]["agents"]) == ["villager", "chair"]
    assert document["council"]["agents"]["villager"]["each"] == "{{ inputs.people }}"
    again = run_virtual(lambda loop: resume(stored, Resumption(), env={}).run())
    assert again.answer == outcome.answer
    assert not again.calls


def test_people_of_a_file_are_kept_with_the_run(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("name,mood\nAna,calm\nBo,sly\n", encoding="utf-8")
    villager = {**TOWN["agents"]["villager"], "each": {"file": "people.csv"}}
    document = {**TOWN, "agents": {**TOWN["agents"], "villager": villager}}
    outcome, stored = kept(check_document(document, folder=tmp_path))
    people.unlink()
    again = run_virtual(lambda loop: resume(stored, Resumption(), env={}).run())
    assert again.answer == outcome.answer
    assert not again.calls


def test_a_what_if_makes_all_members_faster_by_the_name_of_the_population() -> None:
    store = MemoryStore()
    loaded = check_document(TOWN)
    session = Session(loaded, options(loaded), env={}, store=lambda: store)
    outcome = run_virtual(lambda loop: session.run())
    stored, (spans, _) = asyncio.run(store.load(outcome.run)), asyncio.run(store.trace(outcome.run))
    assert stored is not None
    rehearsal = Rehearsal(stored, spans, env={})
    all_of_them = rehearsal.predict(Changes(agents={"villager": Pace(factor=0.5)}))
    one = rehearsal.predict(Changes(agents={"villager_1": Pace(factor=0.5)}))
    assert all_of_them.after_s < one.after_s <= rehearsal.unchanged.after_s


def test_equal_states_are_answered_once() -> None:
    loaded = check_document({**TOWN, "steps": [{**TOWN["steps"][0], "cache": True, "batch": None}]})
    asking = options(loaded, caching=CacheWishes(cache=True))
    outcome = run_virtual(lambda loop: Session(loaded, asking, env={}).run())
    assert outcome.status == "ok"
    sources = [call.source for call in outcome.calls]
    assert sources.count("model") == 2  # calm, and sly
    said = outcome.step("hear").value
    assert said["villager_1"] == said["villager_3"] == said["villager_4"] != said["villager_2"]


def test_people_that_cannot_be_filled_in_are_found_before_anything_is_asked() -> None:
    loaded = check_document(TOWN)
    with pytest.raises(InvalidCouncil, match=r"each\[1\].*it has no 'mood'"):
        Session(loaded, options(loaded, inputs={"people": [PEOPLE[0], {}]}), env={})


@pytest.mark.parametrize("people", ["{{ inputs.people }}", PEOPLE])
def test_prompts_are_shown_of_two_members(people: Any) -> None:
    villager = {"each": people, "role": "You are {{ item.mood }}."}
    loaded = specimen(check_document({**TOWN, "agents": {"villager": villager, "chair": {}}}))
    casting = Session(loaded, options(loaded), env={}).casting
    shown = rehearse(loaded.spec, make_plan(loaded.steps), casting, None)
    assert [each.agent for each in shown if each.step == "hear"] == ["villager_1", "villager_2"]
    assert {each.step for each in shown} == {"hear", "argue", "pick", "end"}
    assert shown[0].system == "You are calm." if people is PEOPLE else "You are (its mood)."


def test_ten_thousand_members_take_less_than_a_kibibyte_each() -> None:
    people = [{"name": f"p{number}", "mood": "calm"} for number in range(10_000)]
    loaded = check_document({**TOWN, "steps": [TOWN["steps"][0]]})
    asking = options(loaded, inputs={"people": people})
    Session(loaded, options(loaded), env={})  # what is loaded once is no member's
    gc.collect()
    tracemalloc.start()
    try:
        session = Session(loaded, asking, env={})
        cast = cast_with(session.ready, shared_of(session.ready, *_nothing()))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(cast.speakers) == 10_000
    assert taken / 10_000 < 1024


def _nothing() -> tuple[Any, Any]:
    from konseho_cli.core.clock import RealClock
    from konseho_cli.models.prices import Prices

    return Prices(), RealClock()


def test_the_town_hall_that_ships_has_a_thousand() -> None:
    from konseho_cli.core.files import shipped

    loaded = load_council(shipped("councils") / "town-hall.yaml")
    people = loaded.spec.agents["villager"].each
    assert isinstance(people, list)
    assert len(people) == 1_000
    assert people[0].keys() == {"name", "age", "district", "mood", "concern", "patience"}
