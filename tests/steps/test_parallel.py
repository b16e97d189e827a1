from __future__ import annotations

import asyncio

import pytest

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
