"""Runs with people in them: who is asked when, what it counts, and who is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import run_virtual
from konseho_cli.council import Council
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.history import cassette_of
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.models.person import Answering, Question
from konseho_cli.resuming import Resumption, resume
from konseho_cli.session import Session
from konseho_cli.spec.load import Loaded, check_document
from konseho_cli.steps.human import Human
from konseho_cli.store.base import StoredRun, Wanted
from konseho_cli.store.memory_store import MemoryStore

STEPS: list[dict[str, Any]] = [
    {"id": "draft", "kind": "ask", "agent": "ann"},
    {"id": "first", "kind": "human", "question": "One?"},
    {"id": "second", "kind": "human", "question": "Two?", "choices": ["yes", "no"]},
    {"id": "argue", "kind": "debate", "agents": ["ann", "boss"], "rounds": 1},
    {"id": "end", "kind": "chair", "agent": "ann"},
]


class Desk(Answering):
    """Answers as it was told, keeps what it was asked, and may end the run at a question."""

    def __init__(self, stop_at: str = "", stop: Callable[[], object] = lambda: None) -> None:
        self.asked: list[str] = []
        self._stop_at, self._stop = stop_at, stop
        super().__init__(self._say)

    async def _say(self, question: Question) -> Any:
        self.asked.append(f"{question.step}/{question.agent} {question.label}".strip())
        if question.step == self._stop_at:
            self._stop()
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(10)
        if question.schema is None:
            return "Free text."
        return "yes" if "enum" in question.schema else {"position": "Mine.", "agree": True}


def council(steps: list[dict[str, Any]] | None = None, **changed: Any) -> Loaded:
    return check_document({
        "konseho": 1, "name": "people", "task": "t", "model": "sim",
        "agents": {"ann": {"role": "a"}, "boss": {"role": "b", "model": "human:Ana"}},
        "steps": steps or STEPS, **changed,
    })  # fmt: skip


def run(session: Session) -> RunOutcome:
    return run_virtual(lambda loop: session.run())


def held(loaded: Loaded, desk: Desk | None = None, **options: Any) -> RunOutcome:
    store = options.pop("store", None)
    wanted = RunOptions(**options)
    return run(Session(loaded, wanted, {}, store=store, desk=desk and (lambda: desk)))


def kept(store: MemoryStore) -> StoredRun:
    async def newest() -> StoredRun:
        found = await store.load((await store.runs(Wanted()))[0].began.run)
        assert found is not None
        return found

    return asyncio.run(newest())


def test_people_take_every_part_that_a_model_does() -> None:
    desk = Desk()
    outcome = held(council(), desk)
    assert outcome.status == "ok", outcome.error
    assert desk.asked == [
        "first/first", "second/second", "argue/boss proposal", "argue/boss round 1"
    ]  # fmt: skip
    assert outcome.step("first").value == "Free text."
    assert outcome.step("argue").value["positions"]["boss"] == "Mine."


def test_figures_are_of_models_and_what_people_did_is_told_beside_them() -> None:
    outcome = held(council(), Desk())
    people = [call for call in outcome.calls if call.source == "human"]
    assert [call.model for call in people] == ["human", "human", "human:Ana", "human:Ana"]
    assert {(call.requests, call.usage.total, call.cost) for call in people} == {(0, 0, Decimal(0))}
    assert outcome.whole.calls == len(outcome.calls) - 4 == 4
    assert outcome.cost == 0
    waits = [span for span in outcome.spans if span.kind == "human"]
    assert [span.end - span.start for span in waits] == [10_000_000_000] * 4


def test_limits_on_calls_do_not_count_people() -> None:
    assert held(council(limits={"calls": 4}), Desk()).status == "ok"
    assert held(council(limits={"calls": 3}), Desk()).status == "limit"


def test_models_go_on_while_somebody_thinks() -> None:
    steps = [
        {"id": "think", "kind": "human"},
        {"id": "work", "kind": "ask", "agent": "ann", "needs": []},
        {"id": "more", "kind": "ask", "agent": "ann", "needs": ["work"]},
    ]
    outcome = held(council(steps, model="sim:ttft=4,tps=1e9,spread=0"), Desk(), max_concurrency=1)
    assert 10 <= outcome.duration_s < 10.1
    assert not [span for span in outcome.spans if span.kind == "queue.limit"]


def test_the_same_question_to_two_people_is_asked_twice_whatever_the_cache_says() -> None:
    steps = [{"id": "both", "kind": "parallel", "agents": ["boss", "chief"], "cache": True}]
    agents = {name: {"model": "human"} for name in ("boss", "chief")}
    desk = Desk()
    held(council(steps, agents=agents), desk)
    assert desk.asked == ["both/boss", "both/chief"]


def test_a_failed_answer_is_not_asked_for_again() -> None:
    asked: list[Question] = []
    desk = Answering(asked.append)
    loaded = council([{"id": "q", "kind": "ask", "agent": "boss", "retries": 5}])
    outcome = run(Session(loaded, RunOptions(), {}, desk=lambda: desk))
    assert outcome.error == "step 'q' failed: Ana did not answer"
    assert len(asked) == 1


# ------------------------------------------------------------------- nobody is there


def test_a_person_who_cannot_be_asked_is_an_error_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match=r"step 'first' asks a person \(first\)") as error:
        Session(council(), RunOptions(), {})
    assert error.value.exit_code == 2


def test_a_default_stands_where_nobody_is_there() -> None:
    step = {"id": "ok", "kind": "human", "choices": ["yes", "no"], "default": "no"}
    outcome = held(council([step]))
    assert (outcome.status, outcome.answer) == ("degraded", "no")
    assert outcome.reasons == ("ok: nobody is there to answer for ok: the default stands",)


def test_a_model_that_is_stated_stands_in_where_nobody_is_there() -> None:
    models = {"boss": {"use": "human", "fallback": ["sim:instant"]}}
    steps = [{"id": "q", "kind": "ask", "agent": "boss"}]
    outcome = held(council(steps, models=models, agents={"boss": {"model": "boss"}}))
    assert outcome.status == "degraded"
    assert "fallback to sim:instant: nobody is there" in outcome.reasons[0]


def test_simulated_people_are_nobody() -> None:
    desk = Desk()
    outcome = held(council(), desk, wishes=Wishes(simulate=True))
    assert outcome.status == "ok"
    assert not desk.asked
    assert outcome.step("second").value in ("yes", "no")


# ------------------------------------------------------------------- again


@pytest.mark.parametrize(
    ("stop_at", "asked"),
    [
        ("first", ["first/first", "second/second", "argue/boss proposal", "argue/boss round 1"]),
        ("second", ["second/second", "argue/boss proposal", "argue/boss round 1"]),
        ("argue", ["argue/boss proposal", "argue/boss round 1"]),
    ],
)
@pytest.mark.parametrize("killed", [False, True])
def test_an_interrupted_wait_is_taken_up_and_nothing_else_is_asked_again(
    stop_at: str, asked: list[str], killed: bool
) -> None:
    store = MemoryStore()
    sessions: list[Session] = []
    desk = Desk(stop_at, lambda: sessions[0].interrupt("SIGINT"))
    sessions.append(Session(council(), RunOptions(), {}, store=lambda: store, desk=lambda: desk))
    assert run(sessions[0]).status == "interrupted"
    stored = kept(store)
    if killed:
        stored = _killed(stored)
    again = Desk()
    session = resume(stored, Resumption(force=killed), {}, desk=lambda: again)
    session.ready.store = lambda: store
    outcome = run(session)
    assert outcome.status == "ok"
    assert again.asked == asked


def _killed(stored: StoredRun) -> StoredRun:
    """As after `kill -9`: without an end."""
    return structs.replace(stored, row=structs.replace(stored.row, ended=None))


def test_what_was_answered_needs_nobody_when_the_run_goes_on() -> None:
    store = MemoryStore()
    held(council(), Desk(), store=lambda: store)
    session = resume(_killed(kept(store)), Resumption(force=True), {})
    session.ready.store = lambda: store
    assert run(session).status == "ok"


def test_a_replay_asks_nobody(tmp_path: Path) -> None:
    store, tape, desk = MemoryStore(), tmp_path / "tape.jsonl", Desk()
    first = held(council(), desk, store=lambda: store, taping=Taping(record=tape))
    for cassette in (tape, cassette_of(kept(store))):
        again = held(council(), None, taping=Taping(replay=cassette, speed=0))
        assert again.status == "ok", again.error
        assert again.answer == first.answer
        assert again.duration_s == pytest.approx(first.duration_s)
        assert again.whole.calls == first.whole.calls
    assert len(desk.asked) == 4


def test_a_replay_of_nobody_comes_to_the_same_default(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    step = {"id": "ok", "kind": "human", "choices": ["yes", "no"], "default": "no", "timeout": 60}
    loaded = council([step])
    for desk in (None, Desk("ok")):
        tape.unlink(missing_ok=True)
        first = held(loaded, desk, taping=Taping(record=tape))
        again = held(loaded, taping=Taping(replay=tape, speed=0))
        assert (again.answer, again.reasons) == (first.answer, first.reasons)
        assert first.reasons


# ------------------------------------------------------------------- in Python


def test_python_code_answers_at_once_or_later() -> None:
    async def later(question: Question) -> str:
        await asyncio.sleep(0)
        return f"{question.step}: yes"

    made = Council(steps=[Human(id="ok")])
    assert made.run("t", answer=lambda question: "yes").answer == "yes"
    assert asyncio.run(made.execute("t", answer=later)).answer == "ok: yes"


def test_python_code_that_does_not_answer_is_told_how_to() -> None:
    with pytest.raises(UsageError) as error:
        Council(steps=[Human(id="ok")]).run("t")
    assert "answer=" in str(error.value.hint)
