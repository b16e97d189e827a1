"""Runs with steps inside of steps: gone on with, replayed, cached, limited, tried again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.engine.casting import Wishes, cast_models
from konseho_cli.engine.history import cassette_of, recalled, said_in
from konseho_cli.engine.plan import make_plan
from konseho_cli.engine.remembered import decode
from konseho_cli.engine.taping import Taping
from konseho_cli.engine.within import every_outcome
from konseho_cli.profiling.explaining.asked import asked_in
from konseho_cli.profiling.explaining.comparison import Kept, compare
from konseho_cli.profiling.explaining.explanation import explain
from konseho_cli.report.diff import comparison_text
from konseho_cli.report.explain import explanation_text
from konseho_cli.report.explain_markdown import explanation_markdown
from konseho_cli.report.past import past_view
from konseho_cli.report.prompts import rehearse
from konseho_cli.report.step import step_json, step_text
from konseho_cli.report.symbols import UNICODE
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.load import Loaded, check_document
from konseho_cli.spec.settings import Settings
from konseho_cli.store.memory_store import MemoryStore
from tests.test_resuming import first_run, gone_on, held, kept, killed

DRAFT = {"id": "draft", "kind": "ask", "agent": "ann"}
ARGUE = {"id": "argue", "kind": "debate", "agents": ["ann", "bob"], "rounds": 1}
JUDGE = {"id": "judge", "kind": "ask", "agent": "bob",
         "prompt": "{{ draft }} {{ iteration }} {{ previous.judge | default('none') }}"}  # fmt: skip


def council(*steps: dict[str, Any], **loop: Any) -> Loaded:
    held = list(steps or (DRAFT, ARGUE, JUDGE))
    agents = {"ann": {"role": "You write."}, "bob": {"role": "You judge."}}
    return check_document({
        "konseho": 1, "name": "nested", "task": "Which way?", "model": "sim", "agents": agents,
        "steps": [
            {"id": "outline", "kind": "ask", "agent": "ann"},
            {"id": "polish", "kind": "loop", "max": 3, "steps": held, **loop},
            {"id": "final", "kind": "chair", "agent": "bob"},
        ],
    })  # fmt: skip


@pytest.mark.parametrize("stop_after", range(1, 20, 3))
def test_a_run_that_was_cut_off_in_an_iteration_asks_nothing_again(stop_after: int) -> None:
    whole, store = first_run(MemoryStore(), council()), MemoryStore()
    first = first_run(store, council(), stop_after)
    assert first.status == "interrupted"
    before = killed(kept(store))
    done = {call.identity for call in before.calls if call.status == "ok"}
    second = gone_on(store, before, force=True)
    assert (second.status, second.answer) == ("ok", whole.answer)
    asked = [call for call in second.calls if call.source == "model"]
    assert len(asked) + len(done) == len(whole.calls)
    after = recalled(kept(store))
    assert [step.id for step in every_outcome(after)] == [step.id for step in every_outcome(whole)]


def test_what_was_said_inside_of_a_step_that_nobody_ended_is_still_there() -> None:
    store = MemoryStore()
    first_run(store, council(), 8)
    cut = killed(kept(store))
    cut = type(cut)(row=cut.row, steps=cut.steps[:1], calls=cut.calls)
    outcome = recalled(cut)
    polish = outcome.step("polish")
    assert polish.status == "cancelled"
    assert {part.label.partition(" / ")[0] for part in polish.parts} >= {"1.draft", "1.argue"}
    inside = {step.id: step for step in every_outcome(outcome, said_in(cut)) if "." in step.id}
    assert inside["polish.1.draft"].kind == "ask"
    assert inside["polish.1.argue"].kind == "debate"
    assert inside["polish.1.draft"].parts[0].label == "ann"
    states = [
        step.state for step in past_view(outcome, is_running=True).steps["polish"].inner.values()
    ]
    assert states[:2] == ["ok", "ok"]
    assert states[-1] == "running"


def test_a_step_that_failed_inside_leaves_the_record_of_all_that_ran() -> None:
    document = council({**DRAFT, "on_error": "halt"}, {**JUDGE, "agent": "bob", "timeout": 0.001})
    outcome = first_run(MemoryStore(), document)
    assert outcome.status == "failed"
    records = outcome.step("polish").details["steps"]
    assert [(each["id"], each["status"]) for each in records] == [
        ("polish.1.draft", "ok"), ("polish.1.judge", "failed"),
    ]  # fmt: skip
    assert records[1]["began_s"] >= records[0]["took_s"] > 0


def test_what_a_limit_of_time_ends_in_an_iteration_keeps_what_ran_before() -> None:
    outcome = first_run(MemoryStore(), council(DRAFT, JUDGE, limits={"time": "3s"}, max=30))
    assert outcome.status == "limit"
    states = [each["status"] for each in outcome.step("polish").details["steps"]]
    assert states[0] == "ok"
    assert states[-1] == "cancelled"


def test_a_limit_of_a_step_counts_the_calls_inside_of_it() -> None:
    outcome = first_run(MemoryStore(), council(DRAFT, limits={"calls": 2}, max=9))
    assert outcome.status == "limit"
    assert "polish" in (outcome.error or "")
    assert Counter(call.step.partition(".")[0] for call in outcome.calls if call.requests) == {
        "outline": 1, "polish": 2,
    }  # fmt: skip


def test_a_kept_run_is_replayed_to_the_nanosecond() -> None:
    store = MemoryStore()
    whole = first_run(store, council())
    options = RunOptions(taping=Taping(replay=cassette_of(kept(store)), speed=0))
    again = [held(lambda: Session(council(), options, env={})) for _ in range(2)]
    assert {one.answer for one in again} == {whole.answer}
    assert {one.end - one.start for one in again} == {whole.end - whole.start}
    times = [[(call.step, call.start - one.start) for call in one.calls] for one in (whole, *again)]
    assert times[0] == times[1] == times[2]


def test_a_recorded_run_plays_from_its_cassette(tmp_path: Path) -> None:
    file = tmp_path / "nested.jsonl"
    recorded = held(lambda: Session(council(), RunOptions(taping=Taping(record=file)), env={}))
    played = held(lambda: Session(council(), RunOptions(taping=Taping(replay=file)), env={}))
    assert (played.answer, played.replayed) == (recorded.answer, True)
    assert [call.step for call in played.calls] == [call.step for call in recorded.calls]


def test_an_answer_that_is_cached_is_asked_for_in_the_first_iteration_alone() -> None:
    same = {**DRAFT, "prompt": "always the same", "cache": True}
    outcome = first_run(MemoryStore(), council(same, max=4))
    sources = [call.source for call in outcome.calls if call.step.startswith("polish")]
    assert sources == ["model", "cache", "cache", "cache"]


def test_tries_of_a_loop_are_told_apart_and_its_steps_go_by_one_address() -> None:
    failing = {**JUDGE, "output": {"schema": {"type": "object", "required": ["never"],
                                              "properties": {"never": {"not": {}}}}}}  # fmt: skip
    store = MemoryStore()
    first_run(store, council(DRAFT, failing, retries=1))
    stored = kept(store)
    identities = {call.identity[0] for call in stored.calls}
    assert {"polish.1.draft", "polish~1.1.draft"} <= identities
    assert {call.step for call in stored.calls} == {"outline", "polish.1.draft", "polish.1.judge"}
    failed = recalled(stored).step("polish")
    assert [each["id"] for each in failed.details["steps"]] == ["polish.1.draft", "polish.1.judge"]


def test_a_window_inside_shows_what_fits_of_the_iteration_before() -> None:
    short = {**DRAFT, "window": {"messages": 1}}
    outcome = first_run(MemoryStore(), council(short, JUDGE, max=2))
    assert outcome.status == "ok"
    (late,) = [
        each for each in outcome.step("polish").details["steps"] if each["id"] == "polish.2.draft"
    ]
    assert late["details"]["window"]


def test_the_prompts_of_a_loop_are_those_of_its_first_iteration() -> None:
    loaded = council()
    casting = cast_models(loaded.spec, loaded.steps, Wishes(), {})
    prompts = rehearse(loaded.spec, make_plan(loaded.steps), casting, None)
    assert [(each.step, each.agent) for each in prompts] == [
        ("outline", "ann"), ("polish.draft", "ann"), ("polish.argue", "ann"),
        ("polish.argue", "bob"), ("polish.judge", "bob"), ("final", "bob"),
    ]  # fmt: skip
    judge = next(each for each in prompts if each.step == "polish.judge")
    assert judge.text.endswith(" 1 none")


def test_few_requests_at_once_hold_inside_as_well() -> None:
    both = [{**DRAFT, "id": f"d{n}", "needs": []} for n in range(4)]
    options = RunOptions(settings=Settings(max_concurrency=2))
    outcome = held(lambda: Session(council(*both, max=2), options, env={}))
    moments = sorted(
        moment for span in outcome.spans if span.kind in ("ttft", "stream")
        for moment in ((span.start, 1), (span.end, -1))
    )  # fmt: skip
    now = most = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    assert most == 2


def test_the_store_keeps_one_row_a_step_of_the_council() -> None:
    store = MemoryStore()
    first_run(store, council())
    assert [step.step for step in kept(store).steps] == ["outline", "polish", "final"]


def test_two_runs_are_compared_step_by_step_inside() -> None:
    kepts = []
    for loaded in (council(DRAFT, max=3), council(DRAFT, max=2)):
        store = MemoryStore()
        first_run(store, loaded)
        stored = kept(store)
        began = decode(stored.row.began.document, stored.row.began.run)
        kepts.append(Kept(outcome=recalled(stored), began=began, said=said_in(stored)))
    found = compare(*kepts)
    assert [(step.id, step.same_output) for step in found.steps if "polish" in step.id] == [
        ("polish", False), ("polish.1.draft", True), ("polish.2.draft", True),
        ("polish.3.draft", False),
    ]  # fmt: skip
    told = comparison_text(found, UNICODE, 100, now=0.0)
    assert "    polish.3.draft  only in the first" in told
    assert "polish.1.draft" not in told
    assert "the first output that does is that of polish.3.draft" in told


def test_a_run_is_explained_with_what_was_said_inside() -> None:
    store = MemoryStore()
    first_run(store, council(max=20))
    stored = kept(store)
    found = explain(recalled(stored), asked_in(stored.calls), said_in(stored))
    assert [(step.id, step.depth) for step in found.steps] == [
        ("outline", 0), ("polish", 0), ("polish.20.draft", 1), ("polish.20.argue", 1),
        ("polish.20.judge", 1), ("final", 0),
    ]  # fmt: skip
    by_id = {step.id: step for step in found.steps}
    assert by_id["polish"].untold == 57
    assert by_id["polish.20.argue"].debate is not None
    assert "polish.20.draft" in {had.step for had in by_id["polish.20.judge"].had or ()}
    told = explanation_text(found, UNICODE, 100)
    assert "57 steps more ran" in told
    assert "  ● polish.20.judge: ask" in told
    assert "### polish.20.judge" in explanation_markdown(found)


def test_one_step_inside_is_shown_whole_and_given_to_programs() -> None:
    store = MemoryStore()
    whole = first_run(store, council(max=2))
    stored = kept(store)
    outcome = recalled(stored)
    steps = {step.id: step for step in every_outcome(outcome, said_in(stored))}
    said = whole.step("polish").value["iterations"][1]["judge"]
    assert said in step_text(outcome, steps["polish.2.judge"], UNICODE)
    held = json.loads(step_json(outcome, steps["polish"], None))
    assert [step["id"] for step in held["step"]["steps"]][:2] == [
        "polish.1.draft",
        "polish.1.argue",
    ]
    assert (
        len(held["calls"])
        == held["step"]["calls"]
        == sum(s["calls"] for s in held["step"]["steps"])
    )
    assert "steps" not in held["step"]["details"]


def test_which_branch_was_taken_is_explained() -> None:
    branches = {"one": [DRAFT], "other": [{**DRAFT, "id": "note", "agent": "bob"}]}
    route = {"id": "polish", "kind": "route", "choose": "{{ 'other' }}", "branches": branches}
    agents = {"ann": {"role": "You write."}, "bob": {"role": "You judge."}}
    store = MemoryStore()
    whole = first_run(store, check_document({
        "konseho": 1, "name": "r", "task": "t", "model": "sim", "agents": agents, "steps": [route],
    }))  # fmt: skip
    assert whole.status == "ok"
    found = explain(recalled(kept(store)), (), said_in(kept(store)))
    assert found.steps[0].said[0].text.text.startswith("other")
    assert {step.id: step.status for step in found.steps[1:]} == {
        "polish.one.draft": "skipped", "polish.other.note": "ok",
    }  # fmt: skip


def test_what_was_cut_off_in_one_iteration_does_not_answer_with_what_was_said_in_another() -> None:
    race = {"id": "race", "kind": "parallel", "agents": ["ann", "bob"], "wait": "quorum",
            "quorum": 1, "prompt": "always the same"}  # fmt: skip
    store = MemoryStore()
    whole = first_run(store, council(race, max=6))
    winners = {call.agent for call in whole.calls
               if call.step.startswith("polish") and call.status == "ok"}  # fmt: skip
    assert winners == {"ann", "bob"}  # or else nothing is shown
    options = RunOptions(taping=Taping(replay=cassette_of(kept(store)), speed=0))
    again = held(lambda: Session(council(race, max=6), options, env={}))
    assert (again.status, again.answer) == (whole.status, whole.answer)
    assert again.end - again.start == whole.end - whole.start
