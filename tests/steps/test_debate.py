from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.steps.debate import Debate, round_schema
from konseho_cli.steps.fields import Output
from konseho_cli.steps.union import Step

DOWN = ModelUnavailable("503")


def says(position, agree=False):
    return {"position": position, "agree": agree}


def by_round(answers):
    """agent → its answers: the proposal, then one a round."""
    return lambda asked: answers[asked.agent][asked.turn]


def test_the_latest_positions_are_the_value(confer):
    step = Debate(agents=("ann", "bob"), rounds=2)
    answers = {
        "ann": ["a0", says("a1"), says("a2", True)],
        "bob": ["b0", says("b1"), says("b2", True)],
    }
    result, _ = confer(step, by_round(answers))
    assert result.value == {"positions": {"ann": "a2", "bob": "b2"}, "agreed": True, "rounds": 2}
    assert [(part.label, part.text) for part in result.parts] == [("ann", "a2"), ("bob", "b2")]


def test_an_agent_speaks_once_more_than_there_are_rounds(confer):
    step = Debate(agents=("ann", "bob"), rounds=3)
    _, ctx = confer(step, lambda asked: says("x") if asked.turn else "x")
    assert [asked.turn for asked in ctx.asked if asked.agent == "ann"] == [0, 1, 2, 3]
    assert step.estimate().most == len(ctx.asked) == 8
    assert ctx.notes == ["proposals", "round 1", "round 2", "round 3"]


def test_agreement_of_all_ends_it_early(confer):
    step = Debate(agents=("ann", "bob"), rounds=5, stop="agreement")
    answers = {
        "ann": ["a0", says("a1", True), says("a2", True)],
        "bob": ["b0", says("b1", False), says("b2", True)],
    }
    result, ctx = confer(step, by_round(answers))
    assert result.value["agreed"] is True
    assert result.value["rounds"] == 2
    assert len(ctx.asked) == 6


def test_alike_positions_are_no_agreement_unless_it_is_stated(confer):
    step = Debate(agents=("ann", "bob"), rounds=2, stop="agreement")
    result, _ = confer(step, lambda asked: says("the same") if asked.turn else "the same")
    assert result.value == {
        "positions": {"ann": "the same", "bob": "the same"},
        "agreed": False,
        "rounds": 2,
    }


def test_without_stop_all_rounds_are_held_though_all_agree(confer):
    step = Debate(agents=("ann", "bob"), rounds=2)
    result, _ = confer(step, lambda asked: says("x", True) if asked.turn else "x")
    assert result.value["rounds"] == 2


def test_everybody_sees_all_latest_positions_whole_and_its_own_marked(confer):
    long = "word " * 5_000 + "end of ann's"
    step = Debate(agents=("ann", "bob"), rounds=2)
    answers = {
        "ann": [long, says("a1"), says("a2")],
        "bob": ["b0", says("b1 of bob"), says("b2")],
    }
    _, ctx = confer(step, by_round(answers), names={"task": "Tabs?"})
    first = next(asked for asked in ctx.asked if (asked.agent, asked.turn) == ("bob", 1))
    second = next(asked for asked in ctx.asked if (asked.agent, asked.turn) == ("ann", 2))
    assert f'<position agent="ann">\n{long}\n</position>' in first.prompt
    assert '<position agent="bob" yours="true">\nb0\n</position>' in first.prompt
    assert "Tabs?" in first.prompt
    assert '<position agent="ann" yours="true">\na1\n</position>' in second.prompt
    assert "b1 of bob" in second.prompt
    assert "b0" not in second.prompt


def test_a_round_starts_when_the_slowest_of_the_last_has_spoken(confer):
    async def answer(asked):
        await asyncio.sleep(5 if asked.agent == "ann" else 1)
        return says(f"{asked.agent}{asked.turn}") if asked.turn else f"{asked.agent}0"

    _, ctx = confer(Debate(agents=("ann", "bob"), rounds=1), answer)
    assert [(asked.agent, asked.turn) for asked in ctx.finished] == [
        ("bob", 0), ("ann", 0), ("bob", 1), ("ann", 1),
    ]  # fmt: skip
    assert all("ann0" in asked.prompt for asked in ctx.asked if asked.turn)


def test_who_fails_later_keeps_its_position_and_is_asked_no_more(confer):
    step = Debate(agents=("ann", "bob", "cat"), rounds=2)
    answers = {
        "ann": ["a0", says("a1"), says("a2", True)],
        "bob": ["b0", DOWN],
        "cat": ["c0", says("c1"), says("c2", True)],
    }
    result, ctx = confer(step, by_round(answers))
    assert result.value["positions"] == {"ann": "a2", "bob": "b0", "cat": "c2"}
    assert "bob left the debate in round 1 and keeps its proposal" in ctx.reasons
    last = next(asked for asked in ctx.asked if (asked.agent, asked.turn) == ("ann", 2))
    assert "b0" in last.prompt


def test_who_left_has_not_agreed_but_does_not_keep_the_others_arguing(confer):
    step = Debate(agents=("ann", "bob", "cat"), rounds=4, stop="agreement")
    answers = {
        "ann": ["a0", says("a1", True)],
        "bob": ["b0", DOWN],
        "cat": ["c0", says("c1", True)],
    }
    result, _ = confer(step, by_round(answers))
    assert result.value["rounds"] == 1
    assert result.value["agreed"] is False


def test_the_last_one_left_does_not_argue_with_itself(confer):
    step = Debate(agents=("ann", "bob"), rounds=4)
    answers = {"ann": ["a0", says("a1")], "bob": ["b0", DOWN]}
    result, _ = confer(step, by_round(answers))
    assert result.value["rounds"] == 1
    assert result.value["positions"] == {"ann": "a1", "bob": "b0"}


def test_a_failed_proposal_fails_it_unless_the_quorum_is_lower(confer):
    answers = {"ann": ["a0", says("a1")], "bob": [DOWN], "cat": ["c0", says("c1")]}
    with pytest.raises(StepFailed, match="bob"):
        confer(Debate(agents=("ann", "bob", "cat"), rounds=1), by_round(answers))
    step = Debate(agents=("ann", "bob", "cat"), rounds=1, quorum=2)
    result, ctx = confer(step, by_round(answers))
    assert result.value["positions"] == {"ann": "a1", "cat": "c1"}
    assert ctx.reasons == ["bob was dropped: 503"]


def test_the_quorum_holds_in_every_round(confer):
    answers = {"ann": ["a0", says("a1")], "bob": ["b0", DOWN]}
    with pytest.raises(StepFailed, match="2 must succeed"):
        confer(Debate(agents=("ann", "bob"), rounds=1, quorum=2), by_round(answers))


def test_positions_have_the_shape_that_output_asks_for(confer):
    shape = {"type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}, "$defs": {"n": {}}}
    step = Debate(agents=("ann", "bob"), rounds=1, output=Output(schema=shape))
    result, ctx = confer(step, lambda asked: says({"x": 1}) if asked.turn else {"x": 0})
    assert ctx.asked[0].schema == shape
    assert ctx.asked[-1].schema == round_schema(shape)
    assert result.value["positions"]["ann"] == {"x": 1}
    assert result.parts[0].text == '{"x": 1}'


def test_references_of_a_nested_shape_still_point_at_something():
    schema = round_schema({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}})
    assert schema["$defs"] == {"n": {"type": "number"}}
    assert schema["properties"]["position"] == {"$ref": "#/$defs/n"}


def test_the_record_holds_every_round(confer):
    step = Debate(agents=("ann", "bob"), rounds=1)
    result, _ = confer(step, lambda asked: says("late", True) if asked.turn else "early")
    assert result.details["rounds"] == [
        {name: {"position": "early", "agree": None} for name in ("ann", "bob")},
        {name: {"position": "late", "agree": True} for name in ("ann", "bob")},
    ]


def test_a_prompt_of_the_users_replaces_the_brief_alone(confer):
    step = Debate(agents=("ann", "bob"), rounds=1, prompt="Argue, {{ agent }}: {{ round }}")
    _, ctx = confer(step, lambda asked: says("p1") if asked.turn else "p0")
    assert ctx.asked[0].prompt.startswith("Argue, ann: 0\n")
    assert ctx.asked[-1].prompt.startswith("Argue, bob: 1\n")
    assert "<position" in ctx.asked[-1].prompt


def test_a_debate_takes_as_long_as_its_slowest_in_each_round(stage, scripted):
    agreed = json.dumps({"position": "yes", "agree": True})
    model = scripted({"ann": [(3.0, "no"), (1.0, agreed)], "bob": [(1.0, "yes"), (2.0, agreed)]})
    step = Debate(agents=("ann", "bob"), rounds=4, stop="agreement")
    outcome = stage.run({"argue": step}, model)
    assert outcome.duration_s == 5
    assert outcome.answer == {
        "positions": {"ann": "yes", "bob": "yes"}, "agreed": True, "rounds": 1,
    }  # fmt: skip


def test_an_agent_that_drops_out_of_a_debate_degrades_it(stage, scripted):
    argued = json.dumps({"position": "still no", "agree": False})
    model = scripted(
        {"ann": [(1.0, "no"), (1.0, argued)], "bob": [(1.0, "yes"), (1.0, ModelUnavailable("x"))]}
    )
    argue = stage.run({"argue": Debate(agents=("ann", "bob"), rounds=1)}, model).step("argue")
    assert argue.status == "degraded"
    assert argue.value["positions"] == {"ann": "still no", "bob": "yes"}


def test_the_council_file_may_not_ask_for_less_than_a_round():
    with pytest.raises(msgspec.ValidationError, match="rounds"):
        msgspec.convert({"kind": "debate", "agents": ["a", "b"], "rounds": 0}, Step)


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (Debate(agents=("ann",)), "agents"),
        (Debate(agents=()), "agents"),
        (Debate(agents=("ann", "ann")), "agents"),
        (Debate(agents=("ann", "bob"), quorum=3), "quorum"),
        (Debate(agents=("ann", "bob"), rounds=0), "rounds"),
    ],
)
def test_rules_of_a_debate(step, field):
    assert set(step.check()) == {field}


def test_a_sound_debate_breaks_no_rule():
    step = Debate(
        agents=("ann", "bob"), quorum=2, stop="agreement", prompt="{{ round }} {{ task }}"
    )
    assert step.check() == {}
    assert step.references() == {"prompt": frozenset({"task"})}
    assert (step.estimate().fewest, step.estimate().most) == (4, 6)
