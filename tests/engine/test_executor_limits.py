"""Limits of runs, steps and agents, and deadlines that flow down to every call."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from konseho_cli.agents.limits import Limits
from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.core.units import Duration
from konseho_cli.models.base import Account, Call, Reply, Request, Usage
from konseho_cli.models.budget import Budget, Budgeted, Budgets
from konseho_cli.models.retry import Retried
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.fields import Fallback
from konseho_cli.steps.parallel import Parallel


def a_cent(model: str, usage: Usage) -> Decimal:
    return Decimal("0.01")


def budget(whose: str = "", **limits: Any) -> Budget:
    return Budget(whose=whose, price=a_cent, **limits)


def test_a_limit_of_the_run_ends_it_and_keeps_what_is_finished(stage: Any, scripted: Any) -> None:
    model = Budgeted("p:m", scripted({}), Budgets(run=budget(calls=1)))
    outcome = stage.run({"one": Ask(agent="ann"), "two": Ask(agent="bob")}, model)
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert outcome.error == "the limit of 1 calls is reached"
    assert outcome.step("one").value == "ann speaks"


def test_a_limit_of_a_step_ends_the_run_where_the_step_may_not_fail(
    stage: Any, scripted: Any
) -> None:
    budgets = Budgets(steps={"argue": (budget("step 'argue'", calls=3),)})
    model = Budgeted("p:m", scripted({}), budgets)
    steps = {"one": Ask(agent="cid"), "argue": Debate(agents=("ann", "bob"), rounds=3)}
    outcome = stage.run(steps, model)
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert outcome.error == "the limit of step 'argue' of 3 calls is reached"
    assert outcome.step("one").status == "ok"


def test_where_it_may_the_run_goes_on(stage: Any, scripted: Any) -> None:
    budgets = Budgets(steps={"first": (budget("step 'first'", calls=1),)})
    model = Budgeted("p:m", scripted({}), budgets)
    steps = {
        "first": Parallel(agents=("ann", "bob"), on_error="continue"),
        "then": Ask(agent="cid"),
    }
    outcome = stage.run(steps, model)
    assert outcome.status == "degraded"
    assert outcome.step("first").reasons == (
        "bob was dropped: the limit of step 'first' of 1 calls is reached",
    )
    assert outcome.step("then").status == "ok"


def test_a_limit_of_an_agent_holds_over_all_steps_and_another_may_stand_in(
    stage: Any, scripted: Any
) -> None:
    model = Budgeted("p:m", scripted({}), Budgets(agents={"ann": budget("agent 'ann'", calls=1)}))
    steps = {
        "one": Ask(agent="ann"),
        "two": Ask(agent="ann", on_error="fallback", fallback=Fallback(agent="bob")),
    }
    outcome = stage.run(steps, model)
    assert outcome.step("two").value == "bob speaks"
    assert outcome.step("two").reasons == (
        "bob stood in for ann: the limit of agent 'ann' of 1 calls is reached",
    )


def test_an_agents_time_is_that_of_its_calls_together(stage: Any, scripted: Any) -> None:
    script = scripted({"ann": (3.0, "done"), "bob": (50.0, "late")})
    budgets = Budgets(agents={"ann": budget("agent 'ann'", time_s=7.0)})
    steps = {"one": Ask(agent="ann"), "wait": Ask(agent="bob"), "two": Ask(agent="ann")}
    steps["three"] = Ask(agent="ann", timeout=Duration("20s"))
    outcome = stage.run(steps, Budgeted("p:m", script, budgets))
    assert outcome.error == "the limit of agent 'ann' of 7.0 s is reached"
    assert outcome.step("two").status == "ok"
    assert outcome.duration_s == pytest.approx(3 + 50 + 3 + 1)


def test_a_steps_time_is_that_of_all_its_tries(stage: Any, scripted: Any) -> None:
    failing = scripted({"ann": (4.0, ModelUnavailable("down"))})
    step = Ask(agent="ann", retries=20, limits=Limits(time=Duration("30s")))
    outcome = stage.run({"one": step}, failing)
    assert (outcome.status, outcome.error) == ("failed", "step 'one' failed: down")
    assert 20 < outcome.duration_s < 30  # another try would have come too late
    slow = scripted({"ann": (40.0, "late")})
    outcome = stage.run({"one": step}, slow)
    assert (outcome.status, outcome.exit_code) == ("limit", 5)
    assert outcome.error == "the limit of step 'one' of 30.0 s is reached"
    assert outcome.duration_s == pytest.approx(30)


class Deadlines:
    """A model that notes what time it is given."""

    def __init__(self) -> None:
        self.seen: list[float | None] = []

    async def generate(self, request: Request, call: Call) -> Reply:
        self.seen.append(call.deadline)
        return Reply(text="x", model="p:m")


def test_a_call_knows_the_earliest_end_of_run_step_and_try(stage: Any) -> None:
    model = Deadlines()
    steps = {
        "a": Ask(agent="ann"),
        "b": Ask(agent="ann", timeout=Duration("20s")),
        "c": Ask(agent="ann", timeout=Duration("90s"), limits=Limits(time=Duration("50s"))),
        "d": Ask(agent="ann", timeout=Duration("20s"), limits=Limits(time=Duration("10s"))),
    }
    stage.run(steps, model, time_limit_s=60.0)
    assert model.seen == [60, 20, 50, 10]
    model.seen.clear()
    stage.run({"a": Ask(agent="ann")}, model)
    assert model.seen == [None]


def test_a_retry_that_would_come_too_late_leaves_its_time_to_others(
    stage: Any, scripted: Any
) -> None:
    busy = ModelUnavailable("busy", retry_after_s=20)
    model = Retried(scripted({"ann": (1.0, busy)}))
    step = Ask(
        agent="ann", timeout=Duration("10s"), on_error="fallback", fallback=Fallback(agent="bob")
    )
    outcome = stage.run({"one": step}, model)
    assert outcome.step("one").value == "bob speaks"
    assert outcome.duration_s == pytest.approx(2)


def test_what_a_call_took_is_in_its_record(stage: Any) -> None:
    class Wasteful:
        async def generate(self, request: Request, call: Call) -> Reply:
            account: Account = call.account
            account.retries, account.hedges = 2, 1
            account.wasted = Usage(input_tokens=30)
            return Reply(text="x", model="p:m", usage=Usage(input_tokens=10, output_tokens=5))

    (record,) = stage.run({"one": Ask(agent="ann")}, Wasteful()).calls
    assert (record.retries, record.hedges, record.source) == (2, 1, "model")
    assert record.usage == Usage(input_tokens=40, output_tokens=5)
    assert record.wasted == Usage(input_tokens=30)
    assert record.cost == Decimal("0.02")


def test_the_beginning_of_an_answer_that_broke_off_is_kept(stage: Any, scripted: Any) -> None:
    broke = ModelUnavailable("broke", partial="It begins")
    outcome = stage.run({"one": Ask(agent="ann")}, Retried(scripted({"ann": (1.0, broke)})))
    assert outcome.status == "failed"
    (part,) = outcome.step("one").parts
    assert (part.label, part.text) == ("ann (broken off)", "It begins")


def test_many_that_fail_alike_are_one_reason(stage: Any, scripted: Any) -> None:
    down = ModelUnavailable("p:m: 503")
    names = ("ann", "bob", "cid", "dee", "eve")
    model = scripted(dict.fromkeys(names[:-1], (1.0, down)))
    outcome = stage.run({"all": Parallel(agents=names, quorum=1)}, model)
    assert outcome.step("all").reasons == ("ann, bob, cid and 1 more were dropped: p:m: 503",)
