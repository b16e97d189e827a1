from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.anthropic import AnthropicModel
from konseho_cli.models.base import Reply
from konseho_cli.models.budget import Budget, Budgeted, Budgets
from konseho_cli.models.fallback import WithFallback
from konseho_cli.models.http import Http
from konseho_cli.models.journal import Journaled
from konseho_cli.models.limits import Limited, Throttled
from konseho_cli.models.openai import OpenAIModel
from konseho_cli.models.person import Person
from konseho_cli.models.prices import Prices
from konseho_cli.models.recording import Recording
from konseho_cli.models.redact import Redactor
from konseho_cli.models.registry import PROVIDERS, ModelChoice
from konseho_cli.models.retry import Retried
from konseho_cli.models.sim import SimModel
from konseho_cli.models.stack import Shared, build
from konseho_cli.models.tape import Recorded, Tape
from konseho_cli.models.warm import Warmed
from konseho_cli.telemetry.spans import Recorder

SECRET = "sk-very-secret-0123456789"
ENV = {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET, "OPENROUTER_API_KEY": SECRET}


def shared(**fields: Any) -> Shared:
    return Shared(**{"env": ENV, "http": Http(), **fields})


def choose(name: str, **fields: Any) -> ModelChoice:
    provider, _, model = name.partition(":")
    return ModelChoice(provider=provider, model=model, **fields)


def wrappers(model: Any) -> list[str]:
    """From the outermost to the provider."""
    inner = getattr(model, "_model", None)
    return [type(model).__name__, *(wrappers(inner) if hasattr(inner, "generate") else ())]


def innermost(model: Any) -> Any:
    inner = getattr(model, "_model", None)
    return innermost(inner) if hasattr(inner, "generate") else model


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_can_be_made(provider: str) -> None:
    model = innermost(build(choose(f"{provider}:fast"), shared()))
    assert isinstance(model, OpenAIModel | AnthropicModel | SimModel | Person)


def test_what_a_model_does_not_need_is_not_there() -> None:
    assert isinstance(build(choose("sim"), shared()), SimModel)
    assert wrappers(build(choose("openai:m", attempts=1), shared())) == [
        "Guarded", "Throttled", "OpenAIModel",
    ]  # fmt: skip


def test_the_order_is_that_of_the_design() -> None:
    choice = choose("openai:m", hedge=True)
    model = build(choice, shared(budgets=Budgets(run=Budget(calls=3, price=Prices().cost))))
    assert wrappers(model) == [
        "Budgeted", "Retried", "Guarded", "Hedged", "Throttled", "OpenAIModel",
    ]  # fmt: skip


def test_what_may_fail_is_tried_again() -> None:
    assert isinstance(build(choose("openai:m"), shared()), Retried)
    assert isinstance(build(choose("sim:flaky"), shared()), Retried)


def test_limits_budget_and_fallback_are_there_where_they_are_set() -> None:
    budgets = Budgets(run=Budget(calls=3, price=Prices().cost))
    assert isinstance(build(choose("sim"), shared(slots=Slots(1))), Limited)
    assert isinstance(build(choose("sim"), shared(budgets=budgets)), Budgeted)
    assert isinstance(build(choose("sim", rpm=3), shared()), Throttled)
    assert isinstance(build(choose("sim", concurrency=3), shared()), Throttled)
    assert isinstance(build(choose("sim", fallback=(choose("sim"),)), shared()), WithFallback)


def test_what_shall_warm_the_providers_cache_is_outermost() -> None:
    assert isinstance(build(choose("openai:m", cache="warm"), shared()), Warmed)
    assert isinstance(build(choose("sim"), shared(warms=True)), Warmed)


def test_a_fallback_answers_in_the_place_of_a_model_that_always_fails(tools: Any) -> None:
    choice = choose("sim:errors=1", fallback=(choose("sim:fast"),))

    async def main(loop: VirtualLoop) -> tuple[Reply, list[str]]:
        recorder = Recorder(loop)
        reply = await build(choice, shared()).generate(tools.ask(), tools.call(recorder))
        return reply, [span.kind for span in recorder.spans]

    reply, kinds = run_virtual(main)
    assert reply.model == "sim:fast"
    assert reply.notes[0].startswith("fallback to sim:fast: sim:errors=1: simulated failure")
    assert kinds == ["ttft", "backoff", "ttft", "backoff", "ttft", "ttft", "stream"]


def test_a_missing_key_is_found_before_any_call_in_a_fallback_too() -> None:
    with pytest.raises(UsageError, match="no key for anthropic: set ANTHROPIC_API_KEY"):
        build(choose("sim", fallback=(choose("anthropic:m"),)), shared(env={}))


@pytest.mark.parametrize("provider", ["openai", "anthropic", "openrouter"])
def test_no_repr_shows_a_key(provider: str) -> None:
    model = innermost(build(choose(f"{provider}:m"), shared()))
    assert isinstance(model, OpenAIModel | AnthropicModel)
    assert SECRET not in f"{model!r} {model._endpoint!r} {shared()!r}"


def test_the_journal_is_outermost_and_the_tape_goes_around_the_provider(tmp_path: Path) -> None:
    tape = Tape(recording=Recording(tmp_path / "run.jsonl", Redactor()))
    model = build(choose("openai:m"), shared(tape=tape, journal=tape))
    assert isinstance(model, Journaled)
    inner = model._model
    while not isinstance(inner, Recorded):
        inner = inner._model  # type: ignore[attr-defined]
    assert isinstance(inner._model, OpenAIModel)


def test_calls_wait_for_a_slot_and_the_wait_is_no_part_of_the_attempt(tools: Any) -> None:
    model = build(choose("sim:ttft=1,spread=0"), shared(slots=Slots(1)))

    async def main(loop: VirtualLoop) -> list[str]:
        recorder = Recorder(loop)
        calls = [tools.call(recorder, agent=name) for name in "ab"]
        await asyncio.gather(*(model.generate(tools.ask(), call) for call in calls))
        return [span.kind for span in recorder.spans]

    assert run_virtual(main) == ["ttft", "stream", "queue.limit", "ttft", "stream"]
