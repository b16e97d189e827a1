from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.errors import ModelUnavailable, StepFailed
from konseho_cli.core.virtual import run_virtual
from konseho_cli.steps.scripted import Scripted


def gathered(ctx, agents, **how):
    async def main(loop):
        return await ctx.gather(
            {name: lambda c, name=name: c.ask(name, "?") for name in agents}, **how
        )

    return run_virtual(main)


async def slowly(asked):
    await asyncio.sleep(ord(asked.agent))
    return asked.agent.upper()


def test_what_is_done_is_in_the_order_in_which_it_was_given():
    ctx = Scripted(script=slowly)
    assert [answer.value for answer in gathered(ctx, "cab").done.values()] == ["C", "A", "B"]
    assert [asked.agent for asked in ctx.finished] == ["a", "b", "c"]


def test_what_failed_is_so_too_and_said_in_that_order():
    async def failing(asked):
        await asyncio.sleep(ord(asked.agent))
        return ModelUnavailable("503") if asked.agent != "c" else "ok"

    ctx = Scripted(script=failing)
    assert list(gathered(ctx, "bca", quorum=1).failed) == ["b", "a"]
    assert [reason[0] for reason in ctx.reasons] == ["b", "a"]


def test_enough_cancels_the_rest():
    ctx = Scripted(script=slowly)
    assert list(gathered(ctx, "cab", enough=lambda done: len(done) == 2).done) == ["a", "b"]
    assert len(ctx.asked) == 3


def test_a_failure_is_dropped_or_fails_it_by_the_quorum():
    ctx = Scripted(script=lambda asked: ModelUnavailable("503") if asked.agent == "a" else "ok")
    result = gathered(ctx, "ab", quorum=1)
    assert (list(result.done), list(result.failed)) == (["b"], ["a"])
    with pytest.raises(StepFailed, match="a: 503"):
        gathered(Scripted(script=ctx.script), "ab")
    assert list(gathered(Scripted(script=ctx.script, lenient=True), "ab").done) == ["b"]


def test_a_mistake_in_the_script_is_seen():
    with pytest.raises(ZeroDivisionError):
        gathered(Scripted(script=lambda asked: 1 / 0), "ab")


def test_two_calls_may_not_share_an_identity():
    async def main(loop):
        ctx = Scripted(script=lambda asked: "x")
        await ctx.ask("a", "?")
        await ctx.ask("a", "?", turn=1)
        await ctx.ask("a", "?")

    with pytest.raises(AssertionError, match="one identity"):
        run_virtual(main)


def test_no_branches_are_done_at_once():
    assert gathered(Scripted(script=slowly), "").done == {}
