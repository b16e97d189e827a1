"""A debate in groups: each argues on its own, and all of them make one result."""

from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.steps.candidates import read_candidates
from konseho_cli.steps.debate import Debate

PEOPLE = tuple(f"p{number}" for number in range(10))


def says(asked):
    return (
        {"position": f"{asked.agent} now", "agree": asked.agent != "p9"} if asked.turn else "first"
    )


def test_each_sees_only_its_own_group(confer):
    _, ctx = confer(Debate(agents=PEOPLE, groups=4, rounds=1), says)
    second = {one.agent: one.prompt for one in ctx.asked if one.turn == 1}
    seen = {
        agent: {name for name in PEOPLE if f'agent="{name}"' in text}
        for agent, text in second.items()
    }
    assert seen["p0"] == {"p0", "p1", "p2", "p3"}
    assert seen["p9"] == {"p7", "p8", "p9"}
    assert sorted(one.agent for one in ctx.asked) == sorted(PEOPLE * 2)


def test_the_value_has_every_position_and_every_group(confer):
    result, ctx = confer(Debate(agents=PEOPLE, groups=5, rounds=1), says)
    value = result.value
    assert list(value["positions"]) == list(PEOPLE)
    assert [group["agents"] for group in value["groups"]] == [list(PEOPLE[:5]), list(PEOPLE[5:])]
    assert [group["agreed"] for group in value["groups"]] == [True, False]
    assert value["agreed"] is False
    assert value["groups"][0]["positions"]["p0"] == "p0 now"
    assert [sorted(spoken) for spoken in result.details["rounds"]] == [sorted(PEOPLE)] * 2
    assert ctx.notes[-1] == "2 of 2 groups"
    assert len(read_candidates("vote", value)) == 10
    assert value.keys() == Debate(agents=PEOPLE, groups=5).keys()


def test_a_group_that_agrees_ends_for_itself(confer):
    step = Debate(agents=PEOPLE, groups=5, rounds=3, stop="agreement")
    result, ctx = confer(step, says)
    turns = {name: max(one.turn for one in ctx.asked if one.agent == name) for name in PEOPLE}
    assert [turns["p0"], turns["p9"]] == [1, 3]
    assert [group["rounds"] for group in result.details["groups"]] == [1, 3]


def test_the_seed_may_deal(confer):
    def groups(seed):
        step = Debate(agents=PEOPLE, groups=5, rounds=1, deal="random")
        return [each["agents"] for each in confer(step, says, seed=seed)[0].value["groups"]]

    assert groups(1) == groups(1) != groups(2)
    assert sorted(name for group in groups(1) for name in group) == sorted(PEOPLE)


def test_a_batch_holds_for_all_groups_together(confer):
    open_, most = 0, 0

    async def slow(asked):
        nonlocal open_, most
        open_ += 1
        most = max(most, open_)
        await asyncio.sleep(1)
        open_ -= 1
        return says(asked)

    confer(Debate(agents=PEOPLE, groups=2, rounds=2, batch=5), slow)
    assert most == 4
    confer(Debate(agents=PEOPLE, rounds=1, batch=3), slow)
    assert most == 4


def test_a_quorum_is_one_of_each_group(confer):
    def answers(asked):
        return ModelUnavailable("503") if asked.agent in ("p0", "p5") else says(asked)

    result, ctx = confer(Debate(agents=PEOPLE, groups=5, rounds=1, quorum=4), answers)
    assert len(result.value["positions"]) == 8
    assert len(ctx.reasons) == 2
    with pytest.raises(StepFailed):
        confer(Debate(agents=PEOPLE, groups=5, rounds=1), answers)


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (Debate(agents=PEOPLE, groups=4, quorum=4), "quorum"),
        (Debate(agents=PEOPLE, deal="random"), "deal"),
        (Debate(agents=PEOPLE, order="{{ agent }}"), "order"),
        (Debate(agents=("p0",), groups=2), "agents"),
    ],
)
def test_rules_of_groups(step, field):
    assert set(step.check()) == {field}
