from __future__ import annotations

import json

from konseho_cli.agents.definition import Agent
from konseho_cli.engine.casting import Wishes, cast_models
from konseho_cli.engine.plan import make_plan
from konseho_cli.report.prompts import prompts_document, prompts_text, rehearse
from konseho_cli.spec.document import CouncilSpec, Input
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.fields import Output, Window
from konseho_cli.steps.route import Route

STEPS = {
    "argue": Debate(agents=("ann", "bob"), rounds=2),
    "form": Ask(agent="ann", output=Output(schema={"type": "object"})),
    "last": Chair(agent="bob", prompt="{{ inputs.diff }} {{ inputs.n }} {{ form }}"),
}


def rehearsed(task=None, **fields):
    agents = {"ann": Agent(name="ann", role="You are Ann."), "bob": Agent(name="bob")}
    inputs = {"diff": Input(required=True), "n": Input(default=3)}
    spec = CouncilSpec(
        konseho=1, name="c", steps=tuple(STEPS.values()), agents=agents, inputs=inputs, **fields
    )
    casting = cast_models(spec, STEPS, Wishes(), {})
    return rehearse(spec, make_plan(STEPS), casting, task)


def test_every_agent_is_heard_in_every_step_in_order():
    heard = [(prompt.step, prompt.agent) for prompt in rehearsed()]
    assert heard == [("argue", "ann"), ("argue", "bob"), ("form", "ann"), ("last", "bob")]


def test_prompts_hold_the_role_the_task_and_stand_ins():
    prompts = rehearsed("Do it.")
    assert prompts[0].system == "You are Ann."
    assert prompts[1].system == ""
    assert "Do it." in prompts[0].text
    assert prompts[-1].text.startswith("(the input diff) 3 {")


def test_a_task_that_is_not_given_has_its_place():
    assert "(the task)" in rehearsed()[0].text


def test_prompts_are_shown_and_given_to_programs():
    prompts = rehearsed()
    assert prompts_text(prompts).startswith("=== argue/ann ===\n\n[role] You are Ann.\n\n")
    assert json.dumps(prompts_document(prompts))
    assert prompts_document(prompts)[1]["agent"] == "bob"


def test_the_prompt_of_a_summary_is_one_of_its_own():
    window = Window(messages=1, summary="bob")
    steps = {**STEPS, "more": Chair(agent="bob", needs=("last", "argue"), window=window)}
    agents = {"ann": Agent(name="ann"), "bob": Agent(name="bob")}
    inputs = {"diff": Input(required=True), "n": Input(default=3)}
    spec = CouncilSpec(
        konseho=1, name="c", steps=tuple(steps.values()), agents=agents, inputs=inputs
    )
    prompts = rehearse(spec, make_plan(steps), cast_models(spec, steps, Wishes(), {}), None)
    summary, verdict = prompts[-2:]
    assert (summary.about, verdict.about) == ("summary", "")
    assert "Sum it up for them" in summary.text
    assert "summed up by bob" in verdict.text
    assert "=== more/bob summary ===" in prompts_text(prompts)


def test_the_prompts_of_every_branch_are_rehearsed_in_the_order_of_the_file():
    many = {f"b{number}": (Ask(id="say", agent="bob"),) for number in range(3)}
    inner = Route(id="inner", agent="ann", branches=many)
    steps = {"outer": Route(id="outer", agent="ann", branches={"in": (inner,), "out": ()})}
    agents = {"ann": Agent(name="ann"), "bob": Agent(name="bob")}
    spec = CouncilSpec(konseho=1, name="c", steps=tuple(steps.values()), agents=agents)
    casting = cast_models(spec, steps, Wishes(), {})
    heard = rehearse(spec, make_plan(steps), casting, None)
    assert [prompt.step for prompt in heard] == [
        "outer", "outer.in.inner", "outer.in.inner.b0.say", "outer.in.inner.b1.say",
        "outer.in.inner.b2.say",
    ]  # fmt: skip
