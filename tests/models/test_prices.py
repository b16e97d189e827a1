from __future__ import annotations

from decimal import Decimal

import pytest

from konseho_cli.models.base import Usage
from konseho_cli.models.prices import Prices

USED = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


@pytest.mark.parametrize("model", ["sim", "sim:fast"])
def test_the_simulator_costs_nothing(model: str) -> None:
    assert Prices().cost(model, USED) == Decimal(0)


@pytest.mark.parametrize("model", ["ollama:llama3.2", "vllm:gpt-5-mini", "openai:no-such-model"])
def test_what_nobody_knows_the_price_of_has_none(model: str) -> None:
    prices = Prices()
    assert prices.cost(model, USED) is None
    assert prices.cost(model, USED) is None


@pytest.mark.parametrize(
    "model", ["openai:gpt-5-mini", "anthropic:claude-haiku-4-5", "openrouter:openai/gpt-5-mini"]
)
def test_a_known_model_costs_exact_dollars(model: str) -> None:
    cost = Prices().cost(model, USED)
    assert isinstance(cost, Decimal)
    assert cost > 0


def test_cached_tokens_are_cheaper() -> None:
    cached = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cached_tokens=900_000)
    plain, less = (Prices().cost("openai:gpt-5-mini", usage) for usage in (USED, cached))
    assert plain is not None
    assert less is not None
    assert less < plain


def test_more_cached_tokens_than_tokens_is_no_reason_to_fail() -> None:
    odd = Usage(input_tokens=5, output_tokens=1, cached_tokens=9)
    assert Prices().cost("openai:gpt-5-mini", odd) is not None


def test_a_thread_may_load_the_list_beforehand() -> None:
    Prices().preload()
    assert Prices().may_price(["sim", "openai:gpt-5-mini"])
    assert not Prices().may_price(["sim", "ollama:x"])
