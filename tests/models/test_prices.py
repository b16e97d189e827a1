from __future__ import annotations

import sys
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


def test_tokens_that_are_written_into_the_cache_cost_more() -> None:
    written = Usage(input_tokens=1_000_000, output_tokens=1_000_000, written_tokens=900_000)
    plain, more = (Prices().cost("anthropic:claude-haiku-4-5", usage) for usage in (USED, written))
    assert plain is not None
    assert more is not None
    assert more > plain


def test_more_written_tokens_than_tokens_is_no_reason_to_fail() -> None:
    odd = Usage(input_tokens=9, output_tokens=1, cached_tokens=7, written_tokens=7)
    assert Prices().cost("anthropic:claude-haiku-4-5", odd) is not None


def test_more_cached_tokens_than_tokens_is_no_reason_to_fail() -> None:
    odd = Usage(input_tokens=5, output_tokens=1, cached_tokens=9)
    assert Prices().cost("openai:gpt-5-mini", odd) is not None


def test_a_list_that_cannot_be_loaded_leaves_the_price_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert Prices().cost("openai:gpt-5-mini", USED) is None


def test_usage_that_makes_no_sense_leaves_the_price_unknown() -> None:
    odd = Usage(input_tokens=-5, output_tokens=10)
    assert Prices().cost("openai:gpt-5-mini", odd) is None


def test_a_server_that_counts_nothing_leaves_the_price_unknown() -> None:
    assert Prices().cost("openai:gpt-5-mini", Usage()) is None
