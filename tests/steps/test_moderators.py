"""Moderators of debates and votes: one or a pool, in turn or by load, and who follows a failure."""

from __future__ import annotations

import asyncio
import json

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.core.virtual import run_virtual
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.scripted import Scripted
from konseho_cli.steps.vote import Vote

DOWN = ModelUnavailable("503")
POOL = ("mia", "max")


def tells(agreed=False, *open_points):
    return {"summary": "They differ.", "open_points": list(open_points), "agreed": agreed}


def says(asked):
    """Debaters hold what they hold; moderators decide for the first, or tell what is open."""
    if asked.item != "moderator":
        return {"position": asked.agent, "agree": False} if asked.turn else asked.agent
    if "choice" in asked.schema["properties"]:
        (label, *_) = asked.schema["properties"]["choice"]["enum"]
        return {"reason": f"{asked.agent} decided", "choice": label}
    return tells(False, f"open after {asked.turn}")


def moderating(answers):
    """turn → what a moderator says; else as `says`."""
    return lambda asked: answers[asked.turn] if asked.item == "moderator" else says(asked)


def debate(**fields):
    return Debate(**{"agents": ("ann", "bob"), "rounds": 3, "moderator": "mia", **fields})


def vote(**fields):
    given = {"candidates": ["x", "y"], "method": "moderator", "moderators": POOL, **fields}
    return Vote(**given)


def moderators(ctx):
    return [asked.agent for asked in ctx.asked if asked.item == "moderator"]


# ---------------------------------------------------------------------------------------- debates


def test_the_next_round_sees_the_account_of_the_last(confer):
    result, ctx = confer(debate(rounds=2), says)
    prompts = {(asked.agent, asked.turn): asked.prompt for asked in ctx.asked}
    assert "<moderator>" not in prompts["ann", 0]
    assert (
        "<moderator>\nThey differ.\n- still open: open after 0\n</moderator>" in prompts["ann", 1]
    )
    assert "open after 1" in prompts["bob", 2]
    assert "open after 0" not in prompts["bob", 2]
    assert result.value["account"] == {
        "agreed": False, "summary": "They differ.", "open_points": ["open after 2"],
    }  # fmt: skip
    assert result.parts[-1].label == "account of mia"
    assert result.parts[-1].text == "They differ.\n- still open: open after 2"
    assert [one["round"] for one in result.details["accounts"]] == [0, 1, 2]
    assert len(ctx.asked) == debate(rounds=2).estimate().most


def test_the_moderator_sees_all_positions_whole_and_what_was_open(confer):
    _, ctx = confer(debate(rounds=1), says, names={"task": "Tabs?"})
    first, second = (asked.prompt for asked in ctx.asked if asked.item == "moderator")
    assert "Tabs?" in first
    assert '<position agent="ann">\nann\n</position>' in first
    assert "yours" not in first
    assert "open after 0" in second


@pytest.mark.parametrize(("agreed_after", "rounds"), [(0, 0), (1, 1), (2, 2), (9, 3)])
def test_it_ends_when_the_moderator_says_that_they_agree(confer, agreed_after, rounds):
    accounts = [tells(turn >= agreed_after) for turn in range(4)]
    result, ctx = confer(debate(stop="moderator"), moderating(accounts))
    assert result.value["rounds"] == rounds
    assert result.value["agreed"] is (agreed_after < 9)
    assert result.details["agreed"] is (agreed_after < 9)
    estimate = debate(stop="moderator").estimate()
    assert estimate.fewest <= len(ctx.asked) <= estimate.most


def test_without_that_what_counts_is_what_the_agents_state(confer):
    result, _ = confer(debate(rounds=1), moderating([tells(True), tells(True)]))
    assert result.value["agreed"] is False
    assert result.value["account"]["agreed"] is True


def test_each_account_is_the_next_ones(confer):
    _, ctx = confer(debate(moderator=None, moderators=POOL), says)
    assert moderators(ctx) == ["mia", "max", "mia", "max"]


def test_where_a_moderator_fails_the_next_is_asked_and_says_so(confer):
    def script(asked):
        return DOWN if asked.agent == "mia" else says(asked)

    result, ctx = confer(debate(rounds=1, moderator=None, moderators=POOL), script)
    assert [one["moderator"] for one in result.details["accounts"]] == ["max", "max"]
    assert ctx.reasons == ["mia did not moderate: 503"] * 2


def test_where_all_moderators_fail_the_step_fails_and_no_position_is_lost(confer):
    def script(asked):
        return DOWN if asked.item == "moderator" and asked.turn else says(asked)

    with pytest.raises(StepFailed, match="nobody could moderate after round 1: 503") as caught:
        confer(debate(moderator=None, moderators=POOL), script)
    assert len(caught.value.details["rounds"]) == 2
    assert caught.value.details["accounts"][0]["moderator"] == "mia"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"moderator": None, "stop": "moderator"}, "stop"),
        ({"moderator": "ann"}, "moderator"),
        ({"moderator": None, "moderators": ("mia", "bob")}, "moderators"),
        ({"moderators": POOL}, "moderators"),
        ({"moderator": None, "moderators": ("mia", "mia")}, "moderators"),
    ],
)
def test_rules_of_a_moderated_debate(fields, where):
    assert set(debate(**fields).check()) == {where}


def test_whoever_moderates_is_named_among_those_who_speak():
    assert debate().speakers()["moderator"] == ("mia",)
    assert debate(moderator=None, moderators=POOL).speakers()["moderators"] == POOL
    assert vote().speakers()["moderators"] == POOL
    assert not vote().check()


# ------------------------------------------------------------------------------------------ votes


def test_votes_that_name_the_same_list_share_its_turns():
    ctx = Scripted(script=says)

    async def main(loop):
        found = []
        for number in range(4):
            ctx.asked.clear()  # each vote is a step of its own
            result = await vote().run(ctx)
            found.append((number, result.details["moderator"]["agent"]))
        return found

    assert [agent for _, agent in run_virtual(main)] == ["mia", "max", "mia", "max"]


def test_by_load_who_is_busy_is_passed_over(stage, scripted):
    choice = json.dumps({"reason": "so", "choice": "A"})
    model = scripted({"cid": (5.0, choice), "dee": (1.0, choice)})
    one = {"candidates": ["x"], "method": "moderator", "moderators": ("cid", "dee"), "pick": "load"}
    steps = {
        "first": Vote(**one),
        "second": Vote(**one, needs=()),
        "third": Vote(**one, needs=("second",)),
        "fourth": Vote(**one, needs=("first", "third")),
    }
    outcome = stage.run(steps, model)
    chosen = {step.id: step.details["moderator"]["agent"] for step in outcome.steps}
    assert chosen == {"first": "cid", "second": "dee", "third": "dee", "fourth": "cid"}


def test_the_turns_go_on_within_a_loop_and_after_it(stage, scripted):
    choice = (1.0, json.dumps({"reason": "so", "choice": "A"}))
    model = scripted({"cid": choice, "dee": choice})
    one = {"candidates": ["x"], "method": "moderator", "moderators": ("cid", "dee")}
    steps = {"again": Loop(steps=(Vote(id="pick", **one),), max=3), "last": Vote(**one)}
    outcome = stage.run(steps, model)
    assert [call.agent for call in outcome.calls] == ["cid", "dee", "cid", "dee"]


def test_a_vote_asks_the_next_moderator_where_one_fails(confer):
    def script(asked):
        return DOWN if asked.agent == "mia" else says(asked)

    result, ctx = confer(vote(), script)
    assert result.details["moderator"]["agent"] == "max"
    assert ctx.reasons == ["mia did not moderate: 503"]


def test_who_could_only_choose_its_own_is_passed_over(confer):
    step = vote(candidates="{{ answers }}")
    result, ctx = confer(step, says, names={"answers": {"mia": "x"}})
    assert result.details["moderator"]["agent"] == "max"
    assert not ctx.reasons


def test_where_all_fail_it_is_the_last_ones_failure(confer):
    with pytest.raises(ModelUnavailable):
        confer(vote(), lambda asked: DOWN)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"moderator": "mia"}, "moderators"),
        ({"moderators": ("mia", "mia")}, "moderators"),
        ({"method": "plurality", "voters": ("x",)}, "moderators"),
    ],
)
def test_rules_of_a_pool(fields, where):
    assert set(vote(**fields).check()) == {where}


def test_questions_under_way_are_those_not_answered_yet():
    async def slowly(asked):
        await asyncio.sleep(1)
        return "x"

    ctx = Scripted(script=slowly)

    async def main(loop):
        asking = asyncio.ensure_future(ctx.ask("mia", "?"))
        await asyncio.sleep(0.5)
        during = ctx.pick(POOL, "load")
        await asking
        return during, ctx.pick(POOL, "load")

    assert run_virtual(main) == ("max", "mia")
