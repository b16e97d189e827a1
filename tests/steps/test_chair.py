from __future__ import annotations

from konseho_cli.steps.base import Estimate
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.fields import Output


def test_the_chair_sees_what_was_said_and_is_told_its_part(confer):
    names = {"task": "Decide.", "debate": "it was argued"}
    result, ctx = confer(Chair(agent="chair"), {"chair": "the result"}, names=names)
    prompt = ctx.asked[0].prompt
    assert prompt.index("Decide.") < prompt.index("it was argued") < prompt.index("You chair")
    assert result.value == "the result"


def test_a_prompt_of_the_users_is_the_whole_prompt(confer):
    _, ctx = confer(Chair(agent="chair", prompt="Sum up."), {"chair": ""})
    assert ctx.asked[0].prompt == "Sum up."


def test_the_result_has_the_shape_that_output_asks_for(confer):
    shape = {"type": "object"}
    step = Chair(agent="chair", output=Output(schema=shape))
    result, ctx = confer(step, {"chair": {"approve": True}})
    assert ctx.asked[0].schema == shape
    assert result.value == {"approve": True}
    assert result.parts[0].text == '{"approve": true}'


def test_it_is_one_call():
    assert Chair(agent="chair").estimate() == Estimate(fewest=1, most=1)
