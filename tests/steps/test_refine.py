from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.core.virtual import run_virtual
from konseho_cli.steps.base import Output
from konseho_cli.steps.refine import Refine
from konseho_cli.steps.scripted import Scripted, perform

DOWN = ModelUnavailable("503")


def point(what="it is vague", severity="blocking", suggestion="say when"):
    return {"what": what, "why": "nobody can act on it", "severity": severity,
            "suggestion": suggestion}  # fmt: skip


def judges(approve, *points, summary="so it is"):
    return {"points": list(points), "summary": summary, "approve": approve}


YES, NO = judges(True), judges(False, point())


def by_round(answers):
    """agent → its answers, one a round."""
    return lambda asked: answers[asked.agent][asked.turn - 1]


def refine(**fields):
    return Refine(**{"worker": "ann", "critics": ("bob", "cat"), **fields})


def test_it_ends_once_all_approve(confer):
    answers = {"ann": ["v1", "v2"], "bob": [YES, YES], "cat": [NO, YES]}
    result, ctx = confer(refine(), by_round(answers))
    assert result.value == {"result": "v2", "approved": True, "rounds": 2, "open": []}
    assert [(part.label, part.text) for part in result.parts] == [("ann", "v2")]
    assert ctx.notes == ["round 1", "round 2"]
    assert not ctx.reasons


def test_without_approval_it_is_degraded_and_says_what_is_open(confer):
    answers = {"ann": ["v1", "v2"], "bob": [YES, YES], "cat": [NO, NO]}
    result, ctx = confer(refine(max_rounds=2), by_round(answers))
    assert result.value["result"] == "v2"
    assert result.value["approved"] is False
    assert result.value["open"] == [{"critic": "cat", **point()}]
    assert ctx.reasons == ["not approved after 2 rounds: cat: it is vague"]
    assert result.parts[1].label == "open points of cat"
    assert "it is vague" in result.parts[1].text
    assert refine(max_rounds=2).estimate().most == len(ctx.asked)


def test_who_names_a_blocking_point_does_not_approve_whatever_it_states(confer):
    odd = judges(True, point("no date"))
    answers = {"ann": ["v1"], "bob": [odd], "cat": [YES]}
    result, ctx = confer(refine(max_rounds=1), by_round(answers))
    assert result.value["approved"] is False
    assert ctx.reasons == [
        "not approved after 1 round: bob approves, but names a blocking point: no date"
    ]
    said = result.details["rounds"][0]["critiques"]["bob"]
    assert (said["approve"], said["approves"]) == (True, False)


def test_minor_points_do_not_keep_it_from_being_approved_and_are_not_lost(confer):
    minor = point("a comma", "minor")
    result, ctx = confer(refine(), {"ann": "v1", "bob": judges(True, minor), "cat": YES})
    assert result.value["approved"] is True
    assert result.value["open"] == [{"critic": "bob", **minor}]
    assert not ctx.reasons


def test_the_worker_sees_its_last_version_and_every_critique_whole(confer):
    long = "word " * 5_000 + "end of the first"
    fault = "fault " * 2_000 + "end of the fault"
    answers = {
        "ann": [long, "v2", "v3"],
        "bob": [judges(False, point(fault), summary="Weak."), NO, NO],
        "cat": [judges(True, point("a comma", "minor")), NO, NO],
    }
    _, ctx = confer(refine(), by_round(answers), names={"task": "A plan."})
    first, second, third = (asked.prompt for asked in ctx.asked if asked.agent == "ann")
    assert "A plan." in first
    assert "critics judge it" in first
    assert f"<work>\n{long}\n</work>" in second
    assert f"- (blocking) {fault}\n  Why: nobody can act on it\n  Suggestion: say when" in second
    assert '<critique by="bob" approves="no">\nWeak.' in second
    assert '<critique by="cat" approves="yes">' in second
    assert "a comma" in second
    assert "<work>\nv2\n</work>" in third
    assert "end of the first" not in third


def test_a_critic_sees_the_version_whole_and_its_own_earlier_points_alone(confer):
    answers = {
        "ann": ["v1 whole", "v2 whole"],
        "bob": [judges(False, point("of bob")), YES],
        "cat": [judges(False, point("of cat")), YES],
    }
    _, ctx = confer(refine(), by_round(answers))
    first, second = (asked.prompt for asked in ctx.asked if asked.agent == "bob")
    assert '<work by="ann">\nv1 whole\n</work>' in first
    assert "earlier" not in first
    assert "v2 whole" in second
    assert "v1 whole" not in second
    assert "- (blocking) of bob. You suggested: say when" in second
    assert "of cat" not in second


def test_a_critic_that_fails_is_left_out_of_its_round_and_approves_nothing(confer):
    answers = {"ann": ["v1", "v2"], "bob": [DOWN, YES], "cat": [NO, YES]}
    result, ctx = confer(refine(), by_round(answers))
    assert result.value["approved"] is True
    assert result.details["rounds"][0]["missing"] == {"bob": "503"}
    assert ctx.reasons == ["bob was dropped: 503"]


def test_who_was_not_heard_in_between_is_shown_what_it_said_before(confer):
    answers = {"ann": ["v1", "v2", "v3"], "bob": [NO, DOWN, YES], "cat": [NO, NO, YES]}
    _, ctx = confer(refine(), by_round(answers))
    last = next(asked for asked in ctx.asked if (asked.agent, asked.turn) == ("bob", 3))
    assert "it is vague" in last.prompt


def test_below_the_quorum_it_fails_and_no_draft_is_lost(confer):
    answers = {"ann": ["v1", "v2"], "bob": [NO, DOWN], "cat": [NO, YES]}
    with pytest.raises(StepFailed, match="2 must succeed") as caught:
        confer(refine(quorum=2), by_round(answers))
    rounds = caught.value.details["rounds"]
    assert [one["version"] for one in rounds] == ["v1", "v2"]
    assert rounds[0]["critiques"]["bob"]["points"] == [point()]


def test_one_critic_at_least_must_answer(confer):
    with pytest.raises(StepFailed):
        confer(refine(), {"ann": "v1", "bob": DOWN, "cat": DOWN})


def test_a_worker_that_fails_later_leaves_its_last_version(confer):
    answers = {"ann": ["v1", DOWN], "bob": [NO], "cat": [YES]}
    result, ctx = confer(refine(), by_round(answers))
    assert result.value == {
        "result": "v1", "approved": False, "rounds": 1, "open": [{"critic": "bob", **point()}],
    }  # fmt: skip
    assert ctx.reasons == [
        "ann failed in round 2, version 1 stays: 503",
        "not approved after 1 round: bob: it is vague",
    ]


def test_a_worker_that_never_wrote_fails_the_step(confer):
    with pytest.raises(ModelUnavailable):
        confer(refine(), {"ann": DOWN})


def test_work_of_a_shape_is_asked_for_in_that_shape_each_time(confer):
    shape = {"type": "object", "properties": {"title": {"type": "string"}}}
    answers = {"ann": [{"title": "a"}, {"title": "b"}], "bob": [NO, YES], "cat": [YES, YES]}
    result, ctx = confer(refine(output=Output(schema=shape)), by_round(answers))
    assert result.value["result"] == {"title": "b"}
    assert all(asked.schema == shape for asked in ctx.asked if asked.agent == "ann")
    assert all(asked.schema != shape for asked in ctx.asked if asked.agent != "ann")


def test_a_prompt_of_ones_own_knows_who_reads_it_and_the_round(confer):
    step = refine(prompt="Write, {{ agent }}, for the {{ round }}. time.", max_rounds=2)
    _, ctx = confer(step, by_round({"ann": ["v1", "v2"], "bob": [NO, YES], "cat": [YES, YES]}))
    assert any("Write, ann, for the 2. time." in asked.prompt for asked in ctx.asked)
    assert any("Write, cat, for the 1. time." in asked.prompt for asked in ctx.asked)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"critics": ()}, "critics"),
        ({"critics": ("bob", "bob")}, "critics"),
        ({"critics": ("ann",)}, "critics"),
        ({"quorum": 3}, "quorum"),
    ],
)
def test_what_no_type_can_state_is_checked(fields, where):
    assert where in refine(**fields).check()
    assert not refine(quorum=2).check()


# ------------------------------------------------------------------------------------------- laws

critics = ("bob", "cat", "dan")
judgements = st.one_of(
    st.just(DOWN),
    st.builds(
        lambda approve, severities: judges(approve, *(point(severity=one) for one in severities)),
        st.booleans(),
        st.lists(st.sampled_from(["blocking", "minor"]), max_size=2),
    ),
)


@given(
    st.lists(st.tuples(*(judgements for _ in critics)), min_size=1, max_size=4),
    st.integers(1, 3),
)
def test_it_is_approved_exactly_when_a_quorum_answers_and_none_of_them_objects(rounds, quorum):
    def good(one):
        return one["approve"] and all(each["severity"] == "minor" for each in one["points"])

    step = Refine(worker="ann", critics=critics, max_rounds=len(rounds), quorum=quorum)

    def script(asked):
        if asked.agent == "ann":
            return f"v{asked.turn}"
        return rounds[asked.turn - 1][critics.index(asked.agent)]

    expected, number = "open", 0
    for said in rounds:
        number += 1
        heard = [one for one in said if one is not DOWN]
        expected = "failed" if len(heard) < quorum else "ok" if all(map(good, heard)) else "open"
        if expected != "open":
            break
    ctx = Scripted(script=script)

    async def main(loop):
        return await perform(step, ctx)

    if expected == "failed":
        with pytest.raises(StepFailed) as caught:
            run_virtual(main)
        details = caught.value.details
    else:
        result = run_virtual(main)
        details = result.details
        assert result.value["approved"] == (expected == "ok")
        assert result.value["rounds"] == number
        assert bool(ctx.reasons) >= (expected == "open")
    assert [one["version"] for one in details["rounds"]] == [f"v{n + 1}" for n in range(number)]


# --------------------------------------------------------------------------- in the real engine


def test_a_run_degrades_and_keeps_every_version(stage, scripted):
    model = scripted(
        {
            "ann": [(1.0, "v1"), (1.0, "v2")],
            "bob": (1.0, json.dumps(NO)),
            "cid": [(1.0, json.dumps(YES))],
        }
    )
    step = Refine(worker="ann", critics=("bob", "cid"), max_rounds=2)
    outcome = stage.run({"polish": step}, model, answer="{{ polish.result }}")
    assert outcome.status == "degraded"
    assert outcome.answer == "v2"
    assert [one["version"] for one in outcome.step("polish").details["rounds"]] == ["v1", "v2"]
    assert [call.label for call in outcome.calls if call.agent != "bob"] == [
        "version 1", "critique 1", "version 2", "critique 2",
    ]  # fmt: skip
