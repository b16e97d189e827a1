"""What calls cost, as far as anybody knows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from threading import Thread
from typing import Any

from konseho_cli.models.base import UNPAID, Usage

_FREE = Decimal(0)
_PRICED = frozenset({"openai", "anthropic", "openrouter"})
"""Providers with price lists; what runs on the user's own machine has none that we could know."""


class Prices:
    """Dollars by model, from genai-prices, which is loaded when a priced model was called."""

    __slots__ = ("_unknown",)

    def __init__(self) -> None:
        self._unknown: set[str] = set()

    def cost(self, model: str, usage: Usage) -> Decimal | None:
        """Dollars for `usage` of `provider:model`; None: unknown."""
        provider, _, name = model.partition(":")
        if provider in UNPAID:
            return _FREE
        if provider not in _PRICED or model in self._unknown or not usage.total:
            return None  # a server that counts no tokens leaves the price unknown
        try:
            return self._calculate(provider, name, usage)
        except Exception:  # noqa: BLE001 - an answer is worth more than what it cost
            self._unknown.add(model)
            return None

    def preload(self, models: Iterable[str]) -> None:
        """Load the price list in a thread that nobody waits for, if one of these is on it."""
        if any(model.partition(":")[0] in _PRICED for model in models):
            Thread(target=_load, name="prices", daemon=True).start()

    @staticmethod
    def _calculate(provider: str, name: str, usage: Usage) -> Decimal:
        import genai_prices  # brings pydantic: only for runs that called a priced model

        read = min(usage.cached_tokens, usage.input_tokens)
        counted = genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=read,
            cache_write_tokens=min(usage.written_tokens, usage.input_tokens - read),
        )
        result: Any = genai_prices.calc_price(counted, model_ref=name, provider_id=provider)
        price = result.total_price
        return price if isinstance(price, Decimal) else Decimal(str(price))


def _load() -> None:
    with suppress(Exception):  # whoever needs the list meets the same error, and says unknown
        import genai_prices  # noqa: F401
