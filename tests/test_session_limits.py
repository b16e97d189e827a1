"""Limits, fallbacks and breakers as a file states them, from the session down to the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document


def run(**document: Any) -> RunOutcome:
    document = {
        "konseho": 1,
        "name": "test",
        "model": "sim:instant",
        "agents": {"ann": {"role": "a"}, "bob": {"role": "b"}},
        "steps": [{"id": "both", "kind": "parallel", "agents": ["ann", "bob"]}],
        **document,
    }
    session = Session(check_document(document), RunOptions(task="go"), {})
    return run_virtual(lambda loop: session.run())


def slow(**fields: Any) -> dict[str, Any]:
    return {"m": {"use": "sim:ttft=1,tps=1000000,spread=0", **fields}}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"limits": {"calls": 1}}, "the limit of 1 calls is reached"),
        ({"steps": [{"id": "both", "kind": "parallel", "agents": ["ann", "bob"],
                     "limits": {"calls": 1}}]}, "the limit of step 'both' of 1 calls is reached"),
        ({"agents": {"ann": {"limits": {"calls": 0}}, "bob": {}}},
         "the limit of agent 'ann' of 0 calls is reached"),
    ],
    ids=["council", "step", "agent"],
)  # fmt: skip
def test_a_limit_ends_the_run_with_status_5(document: dict[str, Any], said: str) -> None:
    outcome = run(**document)
    assert (outcome.status, outcome.exit_code, outcome.error) == ("limit", 5, said)


def test_tokens_and_money_are_limits_of_a_step_too() -> None:
    step = {"id": "both", "kind": "parallel", "agents": ["ann", "bob"], "limits": {"tokens": 5}}
    assert "step 'both' of 5 tokens" in str(run(steps=[step]).error)
    step["limits"] = {"cost": "$1"}
    assert run(steps=[step]).status == "ok"  # a simulated call costs nothing


def test_requests_a_minute_make_a_council_wait_and_the_wait_is_told() -> None:
    outcome = run(models=slow(rpm=1), model="m")
    assert outcome.status == "ok"
    assert 61 <= outcome.duration_s < 62
    assert [span.kind for span in outcome.spans].count("queue.rate") == 1


def test_concurrency_of_a_model_holds_for_all_names_that_mean_it() -> None:
    models = slow(concurrency=1) | {"n": {"use": "m", "temperature": 0.5}}
    agents = {"ann": {"model": "m"}, "bob": {"model": "n"}}
    outcome = run(models=models, agents=agents)
    assert outcome.duration_s > 2
    (service,) = outcome.services
    assert (service.concurrency, service.requests) == (1, 2)


def test_a_model_that_is_down_is_left_alone_and_the_outcome_says_so() -> None:
    models = {"m": {"use": "sim:errors=1,ttft=1,spread=0", "fallback": ["sim:instant"]}}
    steps = [{"id": f"s{n}", "kind": "ask", "agent": "ann"} for n in range(9)]
    outcome = run(models=models, model="m", agents={"ann": {}}, steps=steps)
    assert outcome.status == "degraded"
    assert outcome.step("s0").reasons[0].startswith("ann: fallback to sim:instant: sim:errors=1")
    assert "is passed over since it failed" in outcome.step("s8").reasons[0]
    down = outcome.services[0]
    assert (down.model, down.circuit) == ("sim:errors=1,ttft=1,spread=0", "closed")
    assert down.requests == 3


def test_without_a_fallback_the_circuit_opens() -> None:
    models = {"m": {"use": "sim:errors=1,ttft=1,spread=0"}}
    steps = [
        {"id": f"s{n}", "kind": "ask", "agent": "ann", "on_error": "continue"} for n in range(4)
    ]
    outcome = run(models=models, model="m", agents={"ann": {}}, steps=steps)
    (service,) = outcome.services
    assert (service.circuit, service.requests) == ("open", 5)
    assert "not asked for" in outcome.step("s3").reasons[0]


def test_a_call_is_counted_with_all_that_it_took() -> None:
    outcome = run(model="sim:errors=0.5,ttft=1", agents={"ann": {}, "bob": {}}, seed=3)
    assert sum(call.requests for call in outcome.calls) == outcome.services[0].requests
    assert sum(call.retries for call in outcome.calls) > 0
