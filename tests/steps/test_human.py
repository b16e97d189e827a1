"""`human`: one question, one shape of answer, and a default that stands where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import NoAnswer, StepFailed
from konseho_cli.spec.load import check_document
from konseho_cli.steps.base import Output
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.human import Human

GOOD = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}


def test_the_value_is_the_choice(confer: Any) -> None:
    step = Human(question="Is it good?", choices=("yes", "no"))
    result, ctx = confer(step, {"step": "yes"})
    assert result.value == "yes"
    assert [(part.label, part.text) for part in result.parts] == [("step", "yes")]
    (asked,) = ctx.asked
    assert asked.schema == {"type": "string", "enum": ["yes", "no"]}
    assert asked.prompt.endswith("# Your part\n\nIs it good?\n")


def test_the_person_sees_what_was_said_before(confer: Any) -> None:
    _, ctx = confer(Human(), {"step": "fine"}, names={"draft": "A haiku."})
    prompt = ctx.asked[0].prompt
    assert "# draft\n\nA haiku." in prompt
    assert prompt.index("A haiku.") < prompt.index("What is your answer?")


def test_a_prompt_of_the_users_own_is_all_that_is_shown(confer: Any) -> None:
    _, ctx = confer(Human(prompt="Just: {{ draft }}?"), {"step": "x"}, names={"draft": "this"})
    assert ctx.asked[0].prompt == "Just: this?"


def test_choices_may_come_from_a_template(confer: Any) -> None:
    step = Human(choices="{{ plan.ways }}")
    _, ctx = confer(step, {"step": "b"}, names={"plan": {"ways": ["a", "b"]}})
    assert ctx.asked[0].schema["enum"] == ["a", "b"]


@pytest.mark.parametrize("ways", ["text", [], [1], ["a", "a"], [" "], {"a": 1}])
def test_choices_that_are_no_list_of_texts_fail_the_step(confer: Any, ways: Any) -> None:
    with pytest.raises(StepFailed, match="choices"):
        confer(Human(choices="{{ ways }}"), {"step": "a"}, names={"ways": ways})


def test_a_default_that_is_no_choice_of_now_fails_the_step(confer: Any) -> None:
    with pytest.raises(StepFailed, match="'c' is none of the choices"):
        confer(Human(choices="{{ w }}", default="c"), {"step": "a"}, names={"w": ["a", "b"]})


def test_the_default_stands_where_nobody_answers_and_the_step_says_so(confer: Any) -> None:
    step = Human(choices=("yes", "no"), default="no")
    result, ctx = confer(step, {"step": NoAnswer("nobody is there")})
    assert result.value == "no"
    assert ctx.reasons == ["nobody is there: the default stands"]


def test_without_a_default_no_answer_fails_the_step(confer: Any) -> None:
    with pytest.raises(NoAnswer):
        confer(Human(), {"step": NoAnswer("nobody is there")})


def test_the_default_stands_when_the_time_is_over(stage: Any, scripted: Any) -> None:
    steps = {"ok": Human(agent="ann", choices=("yes", "no"), default="no", timeout=300)}
    outcome = stage.run(steps, scripted({"ann": (1e9, '"yes"')}))
    (step,) = outcome.steps
    assert (step.status, step.value) == ("degraded", "no")
    assert step.reasons == ("nobody answered in 5 m 00 s: the default stands",)
    assert outcome.duration_s == 300


def test_an_answer_in_time_is_no_default(stage: Any, scripted: Any) -> None:
    steps = {"ok": Human(agent="ann", choices=("yes", "no"), default="no", timeout=300)}
    outcome = stage.run(steps, scripted({"ann": (299, '"yes"')}))
    assert (outcome.status, outcome.answer) == ("ok", "yes")


def test_without_a_default_the_time_fails_the_step_as_of_any_other_kind(
    stage: Any, scripted: Any
) -> None:
    outcome = stage.run({"ok": Human(agent="ann", timeout=9)}, scripted({"ann": (10, "late")}))
    assert outcome.status == "failed"
    assert "longer than its timeout of 9.0 s" in str(outcome.error)


def test_the_person_is_told_what_stands_without_them(confer: Any) -> None:
    _, ctx = confer(Human(choices=("yes", "no"), default="no", timeout=300), {"step": "yes"})
    assert "Without an answer in 5 m 00 s, this stands: no" in ctx.asked[0].prompt


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"choices": ("a",), "output": Output(schema=GOOD)}, "choices", "not both"),
        ({"choices": ()}, "choices", "at least one"),
        ({"choices": ("a", "a")}, "choices", "'a' is listed twice"),
        ({"choices": ("a", "b"), "default": "c"}, "default", "one of the choices: a, b"),
        ({"choices": ("a", "b"), "default": 1}, "default", "text"),
        ({"default": 5}, "default", "text"),
        ({"output": Output(schema=GOOD), "default": {"good": "x"}}, "default", "does not fit"),
        ({"output": Output(schema=GOOD), "default": {}}, "default", "does not fit"),
    ],
)
def test_what_does_not_go_together_is_said_before_the_run(
    fields: dict[str, Any], field: str, said: str
) -> None:
    assert said in Human(**fields).check()[field]


@given(
    st.lists(st.text("abcäß漢 {}", max_size=8).map("x{}".format), min_size=1, unique=True),
    st.data(),
)
def test_every_choice_may_be_the_default(choices: list[str], data: st.DataObject) -> None:
    default = data.draw(st.sampled_from(choices))
    assert Human(choices=tuple(choices), default=default).check() == {}


def test_a_schema_that_is_none_is_said_where_it_stands() -> None:
    assert Human(output=Output(schema={"type": "nonsense"}), default=1).check() == {}


def test_a_person_is_no_call() -> None:
    assert (Human().estimate().fewest, Human().estimate().most) == (0, 0)


def council(**step: Any) -> dict[str, Any]:
    return {
        "konseho": 1, "name": "c", "task": "t", "agents": {"ann": {"role": "r"}},
        "steps": [{"kind": "human", "id": "approve", **step}],
    }  # fmt: skip


def test_whoever_is_not_named_is_named_after_the_step() -> None:
    loaded = check_document(council())
    step = loaded.steps["approve"]
    assert isinstance(step, Human)
    assert step.agent == "approve"
    assert loaded.spec.agents["approve"].model == "human"


def test_a_named_agent_stays_who_it_is() -> None:
    loaded = check_document(council(agent="ann"))
    assert loaded.steps["approve"].speakers() == {"agent": ("ann",)}
    assert set(loaded.spec.agents) == {"ann"}


def test_others_read_its_value(stage: Any, scripted: Any) -> None:
    steps = {
        "ok": Human(agent="ann", choices=("yes", "no")),
        "end": Chair(agent="bob", prompt="They said {{ ok }}."),
    }
    model = scripted({"ann": (1, '"yes"')})
    stage.run(steps, model)
    assert model.asked("bob") == ["They said yes."]


def test_a_fixed_text_is_no_list_of_choices() -> None:
    assert "a fixed text is no list" in Human(choices="yes, no").check()["choices"]
    assert Human(choices="{{ draft.options }}").check() == {}
