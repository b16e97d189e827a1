from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.agents.member import Member
from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.steps.base import Estimate
from konseho_cli.steps.parallel import Parallel

DOWN = ModelUnavailable("503")


def test_the_value_is_agent_to_answer_in_the_order_of_the_file(confer):
    async def answer(asked):
        await asyncio.sleep({"ann": 2, "bob": 1}[asked.agent])
        return asked.agent.upper()

    result, ctx = confer(Parallel(agents=("ann", "bob")), answer)
    assert [asked.agent for asked in ctx.finished] == ["bob", "ann"]
    assert list(result.value.items()) == [("ann", "ANN"), ("bob", "BOB")]
    assert [part.label for part in result.parts] == ["ann", "bob"]


def test_each_prompt_may_name_who_reads_it(confer):
    _, ctx = confer(
        Parallel(agents=("ann", "bob"), prompt="You are {{ agent }}."), {"ann": "", "bob": ""}
    )
    assert [asked.prompt for asked in ctx.asked] == ["You are ann.", "You are bob."]


def test_all_must_answer_unless_a_quorum_is_set(confer):
    answers = {"ann": "yes", "bob": DOWN}
    with pytest.raises(StepFailed, match="bob: 503"):
        confer(Parallel(agents=("ann", "bob")), answers)
    result, ctx = confer(Parallel(agents=("ann", "bob"), quorum=1), answers)
    assert result.value == {"ann": "yes"}
    assert ctx.reasons == ["bob was dropped: 503"]


def test_it_may_go_on_at_the_quorum(confer):
    async def answer(asked):
        await asyncio.sleep({"ann": 9, "bob": 1, "cat": 2}[asked.agent])
        return "said"

    step = Parallel(agents=("ann", "bob", "cat"), quorum=2, wait="quorum")
    result, ctx = confer(step, answer)
    assert list(result.value) == ["bob", "cat"]
    assert len(ctx.finished) == 2


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (Parallel(agents=()), "agents"),
        (Parallel(agents=("ann", "ann")), "agents"),
        (Parallel(agents=("ann",), quorum=2), "quorum"),
        (Parallel(agents=("ann",), wait="quorum"), "wait"),
    ],
)
def test_rules_of_a_parallel_step(step, field):
    assert set(step.check()) == {field}


def test_it_is_one_call_an_agent():
    assert Parallel(agents=("ann", "bob")).estimate() == Estimate(fewest=2, most=2)


TOWN = tuple(f"villager_{number}" for number in range(1, 41))


def members(**urgency):
    return {
        name: Member(of="villager", item={"urgency": urgency.get(name, 9)}, index=at)
        for at, name in enumerate(TOWN, 1)
    }


@given(st.integers(1, 50), st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everybody_is_asked_once_whatever_the_batch_and_never_more_at_a_time(confer, batch, seed):
    open_, most, chance = set(), 0, Random(seed)

    async def answer(asked):
        nonlocal most
        open_.add(asked.agent)
        most = max(most, len(open_))
        await asyncio.sleep(chance.random())
        open_.remove(asked.agent)
        return asked.agent

    result, ctx = confer(Parallel(agents=TOWN, batch=batch), answer)
    assert sorted(one.agent for one in ctx.asked) == sorted(TOWN)
    assert result.value == {name: name for name in TOWN}
    assert list(result.value) == list(TOWN)
    assert most == min(batch, len(TOWN))


def test_the_urgent_come_first(confer):
    step = Parallel(agents=TOWN, batch=1, order="{{ item.urgency }}")
    _, ctx = confer(step, lambda asked: "", agents=members(villager_7=1, villager_3=0.5))
    asked = [one.agent for one in ctx.asked]
    assert asked[:3] == ["villager_3", "villager_7", "villager_1"]


def test_once_it_is_enough_nobody_else_is_asked(confer):
    async def answer(asked):
        await asyncio.sleep(1 if asked.agent != "villager_2" else 99)
        return asked.agent

    step = Parallel(agents=TOWN, batch=4, until="{{ answers | length >= 6 }}")
    result, ctx = confer(step, answer)
    assert "villager_2" not in result.value
    assert len(result.value) == 6
    assert len(ctx.asked) == 9  # three ended for each that came in, and the last one came in vain
    assert result.details == {"answered": 6, "cancelled": 3, "not_asked": 31}
    assert not ctx.reasons


def test_what_was_answered_can_be_enough(confer):
    step = Parallel(agents=TOWN, batch=1, until="{{ answers.villager_3 is defined }}")
    result, _ = confer(step, lambda asked: asked.agent)
    assert list(result.value) == ["villager_1", "villager_2", "villager_3"]


def test_until_must_be_true_or_false(confer):
    with pytest.raises(StepFailed, match="`until` must be true or false"):
        confer(Parallel(agents=TOWN, until="{{ answers }}"), lambda asked: "")


def test_prompts_read_the_state_of_members_alone(confer):
    prompt = "{{ agent }}: {{ item.urgency if item else 'none' }}"
    step = Parallel(agents=("villager_1", "ann"), prompt=prompt)
    _, ctx = confer(step, lambda asked: "", agents={"villager_1": members()["villager_1"]})
    assert [one.prompt for one in ctx.asked] == ["villager_1: 9", "ann: none"]


def test_it_may_take_fewer_calls_where_the_rest_waits():
    until = Parallel(agents=TOWN, batch=10, until="{{ answers | length > 3 }}")
    assert until.estimate() == Estimate(fewest=10, most=40)
    assert Parallel(agents=TOWN, batch=10).estimate() == Estimate(fewest=40, most=40)
    assert set(Parallel(agents=TOWN, order="{{ agent }}").check()) == {"order"}
