from __future__ import annotations

import pytest

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Estimate
from konseho_cli.steps.fields import Output


def test_the_answer_is_given_back_as_it_is(confer):
    result, ctx = confer(Ask(agent="ann"), {"ann": "forty-two"}, names={"task": "What?"})
    assert result.value == "forty-two"
    assert [(part.label, part.text) for part in result.parts] == [("ann", "forty-two")]
    assert "What?" in ctx.asked[0].prompt


def test_a_prompt_is_asked_in_exactly_these_words(confer):
    _, ctx = confer(Ask(agent="ann", prompt="Say {{ x }}."), {"ann": ""}, names={"x": [1]})
    assert ctx.asked[0].prompt == "Say [1]."


def test_a_shape_makes_the_value_a_document(confer):
    shape = {"type": "object"}
    result, ctx = confer(Ask(agent="ann", output=Output(schema=shape)), {"ann": {"n": 1}})
    assert ctx.asked[0].schema == shape
    assert result.value == {"n": 1}


def test_a_failure_is_handed_on(confer):
    with pytest.raises(ModelUnavailable):
        confer(Ask(agent="ann"), {"ann": ModelUnavailable("503")})


def test_it_is_one_call():
    assert Ask(agent="ann").estimate() == Estimate(fewest=1, most=1)
