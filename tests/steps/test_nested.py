"""`council`: another council as a step, with a world of its own."""

from __future__ import annotations

from typing import Any

import pytest

from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document

INNER: dict[str, Any] = {
    "konseho": 1,
    "name": "inner",
    "inputs": {"text": {"default": "nothing"}, "sure": {"type": "boolean", "default": True}},
    "agents": {"ann": {"role": "The inner Ann."}, "bob": {"role": "Bob."}},
    "steps": [
        {"id": "read", "kind": "parallel", "agents": ["ann", "bob"]},
        {"id": "sum", "kind": "ask", "agent": "ann", "prompt": "{{ task }} {{ inputs.text }}"},
    ],
    "gate": "{{ inputs.sure }}",
}


def run(inner: dict[str, Any], step: dict[str, Any] | None = None, **document: Any) -> RunOutcome:
    nested = {"id": "review", "kind": "council", "council": {**INNER, **inner}, **(step or {})}
    whole = {
        "konseho": 1, "name": "outer", "task": "The outer task",
        "agents": {"ann": {"role": "The outer Ann."}},
        "steps": [
            {"id": "draft", "kind": "ask", "agent": "ann"}, nested,
            {"id": "end", "kind": "ask", "agent": "ann", "prompt": "{{ review.answer }}"},
        ],
        **document,
    }  # fmt: skip
    options = RunOptions(wishes=Wishes(model="sim"))
    session = Session(check_document(whole), options, {})
    return run_virtual(lambda loop: session.run())


def test_it_gives_its_answer_its_gate_and_how_it_went() -> None:
    outcome = run({})
    assert outcome.status == "ok"
    value = outcome.step("review").value
    assert value.keys() == {"answer", "gate", "status"}
    assert (value["gate"], value["status"]) == (True, "ok")
    assert [call.step for call in outcome.calls] == [
        "draft", "review.read", "review.read", "review.sum", "end",
    ]  # fmt: skip


def test_it_sees_what_it_is_given_and_nothing_else() -> None:
    step = {"inputs": {"text": "{{ draft | length > 0 }}!", "sure": "{{ 1 > 2 }}"}}
    outcome = run({"answer": "{{ task }} / {{ inputs.text }}"}, step)
    assert outcome.step("review").value["answer"] == "The outer task / true!"
    assert outcome.step("review").value["gate"] is False
    assert outcome.status == "ok"


@pytest.mark.parametrize(
    ("stated", "own", "shown"),
    [(None, None, "The outer task"), (None, "Its own", "Its own"), ("Now: {{ task }}", "Its own", "Now: The outer task")],
)  # fmt: skip
def test_its_task_is_the_steps_then_its_own_then_the_one_around(stated, own, shown) -> None:
    step = {} if stated is None else {"task": stated}
    inner = {"answer": "{{ task }}", **({} if own is None else {"task": own})}
    assert run(inner, step).step("review").value["answer"] == shown


def test_an_input_of_another_type_fails_the_step() -> None:
    outcome = run({}, {"inputs": {"sure": "{{ draft }}"}})
    assert outcome.status == "failed"
    assert "input 'sure': expected true or false" in outcome.error


def test_its_limits_hold_inside_of_those_around() -> None:
    assert run({"limits": {"calls": 3}}).status == "ok"
    outcome = run({"limits": {"calls": 2}})
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert "council 'inner'" in outcome.error
    outer = run({"limits": {"calls": 9}}, {"limits": {"calls": 2}})
    assert "step 'review'" in outer.error
    whole = run({"limits": {"calls": 9}}, limits={"calls": 2})
    assert (whole.status, whole.exit_code) == ("limit", 5)


def test_its_time_limit_ends_it() -> None:
    outcome = run({"limits": {"time": "100ms"}})
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert "the limit of council 'inner' of 100 ms is reached" in outcome.error


def test_an_agent_of_the_same_name_is_another_one() -> None:
    limited = {"ann": {"role": "The outer Ann.", "limits": {"calls": 2}}}
    assert run({}, agents=limited).status == "ok"
    inner = {"agents": {"ann": {"role": "Ann.", "limits": {"calls": 1}}, "bob": {"role": "Bob."}}}
    outcome = run(inner)
    assert outcome.status == "limit"
    assert "agent 'review.ann'" in outcome.error


def test_what_fails_inside_fails_the_step_as_its_on_error_says() -> None:
    inner = {"answer": "{{ inputs.text / 2 }}"}
    assert run(inner).status == "failed"
    step = {"on_error": "fallback", "fallback": {"value": {"answer": "none"}}}
    lived = run(inner, step)
    assert lived.status == "degraded"
    assert lived.step("review").value == {"answer": "none"}


def test_what_is_less_inside_is_less_around() -> None:
    steps = [
        {"id": "hurry", "kind": "ask", "agent": "ann", "timeout": "1ms", "on_error": "continue"},
        {"id": "sum", "kind": "ask", "agent": "ann", "prompt": "x"},
    ]
    outcome = run({"steps": steps})
    assert outcome.status == "degraded"
    assert outcome.step("review").value["status"] == "degraded"
    assert outcome.reasons[0].startswith("review: hurry: ")


def test_models_of_both_can_be_given_others_for_a_run() -> None:
    inner = {"models": {"fast": {"use": "openai:gpt-5-mini"}}, "model": "fast"}
    whole = {
        "konseho": 1, "name": "outer", "task": "t",
        "steps": [{"id": "review", "kind": "council", "council": {**INNER, **inner}}],
    }  # fmt: skip
    options = RunOptions(wishes=Wishes(models={"fast": "sim"}))
    assert Session(check_document(whole), options, {}).models == ("sim",)
