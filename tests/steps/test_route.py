"""`route`: an agent or an expression chooses which branches run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Estimate
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.fields import Fallback, Output
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.route import Route
from konseho_cli.telemetry.events import StepFinished

LOOK = Ask(id="look", agent="bob")
FIX = Ask(id="fix", agent="cid", prompt="fix {{ look }}")
BUILD = Ask(id="build", agent="dee")
BRANCHES = {"bug": (LOOK, FIX), "feature": (BUILD,), "spam": ()}


def triage(**fields) -> Route:
    return Route(id="triage", **{"branches": BRANCHES, **fields})


def chosen(name: str | list[str], reason: str = "it crashes") -> str:
    field = "branch" if isinstance(name, str) else "branches"
    return json.dumps({"reason": reason, field: name})


def test_an_agent_chooses_the_branch_and_the_others_are_skipped(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen("bug"))})
    outcome = stage.run({"triage": triage(agent="ann")}, model)
    assert outcome.status == "ok"
    assert outcome.answer == {
        "chosen": ["bug"],
        "reason": "it crashes",
        "answer": "cid speaks",
        "branches": {
            "bug": {"look": "bob speaks", "fix": "cid speaks"},
            "feature": {"build": None},
            "spam": {},
        },
    }
    assert [call.step for call in outcome.calls] == ["triage", "triage.bug.look", "triage.bug.fix"]
    ended = {event.step: event for event in stage.seen(StepFinished)}
    assert ended["triage.feature.build"].status == "skipped"
    assert ended["triage.feature.build"].reasons == ("not taken",)


def test_who_chooses_reads_the_branches_and_what_each_is_about(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen("bug"))})
    step = triage(agent="ann", about={"bug": "Something is broken."})
    stage.run({"first": Ask(agent="eve"), "triage": step}, model)
    (prompt,) = model.asked("ann")
    assert "eve speaks" in prompt
    assert "- `bug`: Something is broken." in prompt
    assert "- `feature`\n" in prompt
    assert '"enum"' in str(model.requests[1].schema).replace("'", '"')


def test_a_prompt_of_ones_own_takes_the_place_of_the_task_and_keeps_the_branches(
    stage, scripted
) -> None:
    model = scripted({"ann": (1, chosen("spam"))})
    outcome = stage.run({"triage": triage(agent="ann", prompt="Is it urgent?")}, model)
    (prompt,) = model.asked("ann")
    assert prompt.startswith("Is it urgent?")
    assert "# Task" not in prompt
    assert "`spam`" in prompt
    assert outcome.answer["answer"] is None


def test_the_steps_of_a_branch_see_why_it_was_taken(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen("bug"))})
    stage.run({"triage": triage(agent="ann")}, model)
    assert "# why this way\n\nit crashes" in model.asked("bob")[0]


def test_later_steps_see_what_the_branch_said_and_read_it_by_name(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen("bug"))})
    plan = {
        "triage": triage(agent="ann"),
        "end": Chair(agent="eve"),
        "read": Ask(agent="eve", prompt="{{ triage.branches.feature.build | default('none') }}"),
    }
    stage.run(plan, model)
    end, read = model.asked("eve")
    assert "# triage / bug: look / bob" in end
    assert "build" not in end
    assert read == "none"


def test_reading_into_what_was_not_taken_says_what_to_do(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen("bug"))})
    plan = {
        "triage": triage(agent="ann"),
        "read": Ask(agent="eve", prompt="{{ triage.branches.feature.build.cost }}"),
    }
    outcome = stage.run(plan, model)
    assert outcome.status == "failed"
    assert "triage.branches.feature.build is null" in outcome.hint
    assert "default(…)" in outcome.hint


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ 'bug' }}", ["bug"]),
        ("{{ ['feature'] }}", ["feature"]),
        ("{% if task == 'the task' %} feature {% endif %}", ["feature"]),
        ("{{ none }}", []),
        ("{{ [] }}", []),
        ("{% if false %}bug{% endif %}", []),
    ],
)
def test_an_expression_chooses_without_a_call(stage, expression, expected) -> None:
    outcome = stage.run({"triage": triage(choose=expression)})
    assert outcome.status == "ok"
    assert outcome.answer["chosen"] == expected
    assert outcome.answer["reason"] is None


def test_several_branches_run_at_the_same_time(stage, scripted) -> None:
    model = scripted({"ann": (1, chosen(["feature", "bug"])), "bob": (2, "b"), "dee": (3, "d")})
    outcome = stage.run({"triage": triage(agent="ann", most=2)}, model)
    assert outcome.duration_s == 1 + 3
    assert outcome.answer["chosen"] == ["bug", "feature"]
    assert outcome.answer["answer"] == {"bug": "cid speaks", "feature": "d"}
    assert len(set(model.identities)) == len(model.identities) == 4


def test_the_answer_is_by_branch_wherever_several_may_be_taken(stage) -> None:
    outcome = stage.run({"triage": triage(choose="{{ 'feature' }}", most=2)})
    assert outcome.answer["answer"] == {"feature": "dee speaks"}


def test_an_unknown_name_fails_with_the_names_that_there_are(stage) -> None:
    outcome = stage.run({"triage": triage(choose="{{ 'featur' }}")})
    assert outcome.status == "failed"
    assert (
        "there is no branch 'featur' (did you mean 'feature'?); the branches are: bug, feature, spam"
        in outcome.error
    )
    assert "default" in outcome.hint


@pytest.mark.parametrize("value", ["{{ 7 }}", "{{ true }}", "{{ {'bug': 1} }}", "{{ [1] }}"])
def test_what_is_no_name_is_refused(stage, value) -> None:
    outcome = stage.run({"triage": triage(choose=value)})
    assert "`choose` must give a name, a list of names or null" in outcome.error


def test_more_than_may_be_taken_is_refused(stage) -> None:
    outcome = stage.run({"triage": triage(choose="{{ ['feature', 'bug'] }}")})
    assert "2 branches are chosen (bug, feature), but `most` is 1" in outcome.error


def test_a_default_stands_in_for_nothing_and_for_the_unknown(stage) -> None:
    nothing = stage.run({"triage": triage(choose="{{ none }}", default="spam")})
    assert (nothing.status, nothing.answer["chosen"]) == ("ok", ["spam"])
    unknown = stage.run({"triage": triage(choose="{{ 'x' }}", default="spam")})
    assert (unknown.status, unknown.answer["chosen"]) == ("degraded", ["spam"])
    assert unknown.reasons == ("triage: there is no branch 'x': spam is taken instead",)


def test_a_default_stands_in_for_an_agent_that_fails(stage, scripted) -> None:
    model = scripted({"ann": (1, ModelRefused("no such model"))})
    outcome = stage.run({"triage": triage(agent="ann", default="feature")}, model)
    assert outcome.status == "degraded"
    assert outcome.answer["chosen"] == ["feature"]
    assert outcome.reasons == (
        "triage: nobody chose: no such model: feature is taken instead",
    )  # fmt: skip


def test_without_a_default_an_agent_that_fails_fails_it(stage, scripted) -> None:
    model = scripted({"ann": (1, ModelRefused("no such model"))})
    outcome = stage.run({"triage": triage(agent="ann")}, model)
    assert outcome.status == "failed"
    assert [call.step for call in outcome.calls] == ["triage"]


def test_another_agent_may_stand_in_for_who_chooses(stage, scripted) -> None:
    model = scripted({"ann": (1, ModelUnavailable("busy")), "eve": (1, chosen("feature"))})
    step = triage(agent="ann", on_error="fallback", fallback=Fallback(agent="eve"))
    outcome = stage.run({"triage": step}, model)
    assert outcome.status == "degraded"
    assert outcome.answer["chosen"] == ["feature"]


def test_a_branch_that_fails_fails_the_route_with_its_address(stage, scripted) -> None:
    model = scripted({"cid": (1, ModelRefused("no such model"))})
    outcome = stage.run({"triage": triage(choose="{{ 'bug' }}")}, model)
    assert outcome.error == "step 'triage.bug.fix' failed: no such model"


def test_of_several_all_must_succeed_or_one_where_the_rest_may_fail(stage, scripted) -> None:
    script = {"cid": (1, ModelRefused("no such model"))}
    both = {"choose": "{{ ['bug', 'feature'] }}", "most": 2}
    failed = stage.run({"triage": triage(**both)}, scripted(script))
    assert failed.status == "failed"
    assert "step 'triage.bug.fix' failed" in failed.error
    lived = stage.run({"triage": triage(**both, on_error="continue")}, scripted(script))
    assert lived.status == "degraded"
    assert lived.answer["answer"] == {"bug": None, "feature": "dee speaks"}
    assert lived.answer["branches"]["bug"] == {"look": None, "fix": None}


def test_a_route_in_a_loop_has_addresses_of_its_own(stage, scripted) -> None:
    step = Route(id="go", choose="{{ ['a', 'b'][iteration - 1] }}", branches={
        "a": (Ask(id="say", agent="ann"),), "b": (Ask(id="say", agent="bob"),),
    })  # fmt: skip
    model = scripted({})
    outcome = stage.run({"turns": Loop(id="turns", steps=(step,), max=2)}, model)
    assert [call.step for call in outcome.calls] == ["turns.1.go.a.say", "turns.2.go.b.say"]
    assert outcome.answer["last"]["go"]["branches"] == {
        "a": {"say": None}, "b": {"say": "bob speaks"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({}, "agent"),
        ({"agent": "ann", "choose": "{{ 'bug' }}"}, "choose"),
        ({"choose": "{{ 'bug' }}", "prompt": "x"}, "prompt"),
        ({"agent": "ann", "output": Output(schema={})}, "output"),
        ({"agent": "ann", "branches": {}}, "branches"),
        ({"agent": "ann", "branches": {"bug\n": ()}}, "branches"),
        ({"agent": "ann", "most": 4}, "most"),
        ({"agent": "ann", "default": "bgu"}, "default"),
        ({"agent": "ann", "about": {"bgu": "x"}}, "about"),
        ({"choose": "{{ 'bug' }}", "about": {"bug": "x"}}, "about"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields, where) -> None:
    assert list(triage(**fields).check()) == [where]


def test_a_default_that_is_misspelt_is_told_the_right_name() -> None:
    assert "did you mean 'bug'?" in triage(agent="ann", default="bgu").check()["default"]


def test_its_estimate_goes_from_the_cheapest_branch_to_the_dearest() -> None:
    many = {
        "one": (LOOK,),
        "two": (LOOK, FIX),
        "three": (Parallel(id="p", agents=("a", "b", "c")),),
    }
    assert triage(agent="x", branches=many).estimate() == Estimate(fewest=2, most=4)
    assert triage(agent="x", branches=many, most=2).estimate() == Estimate(fewest=2, most=6)
    assert triage(choose="{{ x }}", branches=many).estimate() == Estimate(fewest=0, most=3)
    by_default = triage(choose="{{ x }}", branches=many, default="one")
    assert by_default.estimate() == Estimate(fewest=1, most=3)


BRANCH = st.tuples(st.integers(0, 3), st.booleans())


def drawn(drawing: list[tuple[int, bool]]) -> tuple[Route, list[str]]:
    """A route with branches of these sizes, and what is chosen of them."""
    branches = {
        f"b{at}": tuple(Ask(id=f"s{number}", agent="ann") for number in range(size))
        for at, (size, _) in enumerate(drawing)
    }
    said = [f"b{at}" for at, (_, taken) in enumerate(drawing) if taken]
    return Route(id="go", branches=branches, choose=f"{{{{ {said} }}}}", most=len(drawing)), said


@given(drawing=st.lists(BRANCH, min_size=1, max_size=5))
def test_each_step_runs_once_or_is_skipped_and_every_name_is_there(drawing) -> None:
    from tests.conftest import Scripted, Stage

    step, said = drawn(drawing)
    stage = Stage()
    outcome = stage.run({"go": step}, Scripted({}))
    places = {
        f"go.{path.split('.')[1]}.{inner.id}"
        for path, steps in step.blocks().items()
        for inner in steps
    }
    ran = [call.step for call in outcome.calls]
    skipped = [event.step for event in stage.seen(StepFinished) if event.status == "skipped"]
    assert sorted(ran + skipped) == sorted(places)
    assert {place.split(".")[1] for place in ran} <= set(said)
    assert len(outcome.step("go").details["steps"]) == len(places)
    for name, steps in step.shape().keys["branches"].keys.items():
        for inner in steps.keys:
            value = outcome.answer["branches"][name][inner]
            assert (value is None) == (name not in said)
    calls = step.estimate()
    assert calls.fewest <= len(ran) <= calls.most


def test_a_branch_that_is_dropped_leaves_the_record_of_what_ran_in_it(stage, scripted) -> None:
    model = scripted({"ann": (1.0, ModelUnavailable("down"))})
    branches = {
        "bug": (Ask(id="fix", agent="bob"), Ask(id="test", agent="ann")),
        "idea": (Ask(id="weigh", agent="cid"),),
    }
    step = Route(branches=branches, choose="{{ ['idea', 'bug'] }}", most=2, on_error="continue")
    outcome = stage.run({"go": step}, model)
    assert [(each["id"], each["status"]) for each in outcome.step("go").details["steps"]] == [
        ("go.bug.fix", "ok"), ("go.bug.test", "failed"), ("go.idea.weigh", "ok"),
    ]  # fmt: skip
    assert outcome.step("go").value["branches"]["bug"] == {"fix": None, "test": None}
