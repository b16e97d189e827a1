from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import (
    BudgetReached,
    InvalidReply,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Reply
from konseho_cli.models.fallback import Alternative, WithFallback
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.service import Service

DOWN = ModelUnavailable("openai:a: 503", status=503)


def chain(tools: Any, *scripts: str | Exception) -> tuple[WithFallback, list[Any]]:
    models = [tools.Scripted([said], name=f"p:{n}") for n, said in enumerate(scripts)]
    choices = [ModelChoice(provider="openai", model=f"m{n}") for n in range(len(models))]
    return WithFallback(
        [
            Alternative(name=f"p:{n}", model=model, adapt=choice.adapt, service=Service(f"p:{n}"))
            for n, (model, choice) in enumerate(zip(models, choices, strict=True))
        ]
    ), models


def run(tools: Any, *scripts: str | Exception, **call: Any) -> Reply:
    model, _ = chain(tools, *scripts)
    return asyncio.run(model.generate(tools.ask(), tools.call(**call)))


def test_the_first_model_answers_if_it_can(tools: Any) -> None:
    model, models = chain(tools, "hello", "other")
    reply = asyncio.run(model.generate(tools.ask(), tools.call()))
    assert (reply.text, reply.notes) == ("hello", ())
    assert models[1].calls == []


def test_the_next_one_answers_if_it_cannot_and_the_answer_says_so(tools: Any) -> None:
    reply = run(tools, DOWN, "hello")
    assert reply.text == "hello"
    assert reply.model == "p:1"
    assert reply.notes == ("fallback to p:1: openai:a: 503",)


def test_each_model_is_asked_by_its_own_name(tools: Any) -> None:
    model, models = chain(tools, DOWN, "hello")
    asyncio.run(model.generate(tools.ask(temperature=0.3), tools.call()))
    asked = models[1].requests[0]
    assert (asked.model, asked.temperature) == ("m1", 0.3)


@pytest.mark.parametrize(
    "error",
    [
        ModelRefused("no key", status=401),
        ModelRefused("no such model", status=404),
        ModelRefused("no credit", status=429),
        InvalidReply("empty"),
    ],
)
def test_it_helps_against_whatever_is_this_models_own(tools: Any, error: ModelError) -> None:
    assert run(tools, error, "hello").text == "hello"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_wrong_request_is_wrong_everywhere(tools: Any, status: int) -> None:
    refused = ModelRefused("bad request", status=status)
    with pytest.raises(ModelRefused) as caught:
        run(tools, refused, "hello")
    assert caught.value is refused


def test_a_limit_that_is_reached_is_no_reason_to_ask_somebody_else(tools: Any) -> None:
    with pytest.raises(BudgetReached):
        run(tools, BudgetReached("enough"), "hello")


def test_half_an_answer_is_not_continued_by_another(tools: Any) -> None:
    broke = ModelUnavailable("broke", partial="half")
    with pytest.raises(ModelUnavailable, match="broke"):
        run(tools, broke, "hello", on_text=lambda _: None)
    with pytest.raises(ModelUnavailable, match="broke"):
        run(tools, broke, "hello")


def test_where_none_can_answer_the_error_names_all(tools: Any) -> None:
    last = ModelRefused("anthropic:b: 401", status=401, hint="is ANTHROPIC_API_KEY set?")
    with pytest.raises(ModelRefused) as caught:
        run(tools, DOWN, last)
    assert str(caught.value) == "no model could answer: openai:a: 503; anthropic:b: 401"
    assert caught.value.hint == "is ANTHROPIC_API_KEY set?"
    assert caught.value.__cause__ is last


def in_turn(tools: Any, *scripts: list[str | Exception], pause_s: float = 1.0) -> list[Any]:
    """Replies or errors of one question after another, in virtual time."""
    model, _ = chain(tools, *(script[0] for script in scripts))
    for alternative, script in zip(model._chain, scripts, strict=True):
        alternative.model.script = script

    async def main(loop: VirtualLoop) -> list[Any]:
        found: list[Any] = []
        for _ in range(max(map(len, scripts))):
            try:
                found.append(await model.generate(tools.ask(), tools.call()))
            except ModelError as error:
                found.append(error)
            await asyncio.sleep(pause_s)
        return [*found, *(len(alternative.model.calls) for alternative in model._chain)]

    return run_virtual(main)


def test_one_that_has_failed_is_passed_over_for_a_while_and_the_answer_says_so(tools: Any) -> None:
    first, second, asked_first, asked_second = in_turn(tools, [DOWN, "back"], ["one", "two"])
    assert (first.text, second.text) == ("one", "two")
    assert second.notes == ("fallback to p:1: p:0 is passed over since it failed: openai:a: 503",)
    assert (asked_first, asked_second) == (1, 2)


def test_after_the_while_it_is_the_first_choice_again(tools: Any) -> None:
    _, second, asked_first, _ = in_turn(tools, [DOWN, "back"], ["one", "two"], pause_s=60)
    assert (second.text, second.notes, asked_first) == ("back", (), 2)


def test_one_that_is_passed_over_is_asked_where_nobody_else_can_answer(tools: Any) -> None:
    _, second, *_ = in_turn(tools, [DOWN, "back"], ["one", DOWN])
    assert second.text == "back"


def test_where_all_are_passed_over_all_are_asked_in_order(tools: Any) -> None:
    first, second, *_ = in_turn(tools, [DOWN, "back"], [DOWN, "two"])
    assert isinstance(first, ModelError)
    assert (second.text, second.notes) == ("back", ())


def test_an_empty_answer_is_no_reason_to_pass_a_model_over(tools: Any) -> None:
    _, second, *_ = in_turn(tools, [InvalidReply("empty"), "back"], ["one", "two"])
    assert second.text == "back"
