"""What a run may use up: a call beyond it is refused before it is made."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from konseho_cli.core.errors import BudgetReached
from konseho_cli.core.units import show_count, show_money
from konseho_cli.models.base import Call, Model, Reply, Request, Usage

CHARS_PER_TOKEN = 4
"""A rough guess, used only to refuse a prompt that is certain not to fit."""


class Budget(msgspec.Struct, kw_only=True):
    """Limits of one run and what was used of them; shared by all its models."""

    calls: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None
    """Dollars."""
    price: Callable[[str, Usage], Decimal | None]
    used_calls: int = 0
    used: Usage = msgspec.field(default_factory=Usage)
    used_cost: Decimal = Decimal(0)
    reserved: int = 0
    """Prompt tokens of the calls that are under way, by our own guess."""

    @property
    def unlimited(self) -> bool:
        """Whether there is nothing to watch."""
        return self.calls is None and self.tokens is None and self.cost is None

    def admit(self, request: Request) -> int:
        """Count a call in; returns the tokens reserved for it. Raises BudgetReached."""
        if self.calls is not None and self.used_calls >= self.calls:
            raise BudgetReached(f"the limit of {self.calls} calls is reached")
        prompt = sum(len(message.text) for message in request.messages) // CHARS_PER_TOKEN
        taken = self.used.total + self.reserved
        if self.tokens is not None and taken + prompt >= self.tokens:
            raise BudgetReached(
                f"the limit of {show_count(self.tokens)} tokens is reached: "
                f"{show_count(taken)} are used, the next prompt has about {show_count(prompt)}"
            )
        if self.cost is not None and self.used_cost >= self.cost:
            raise BudgetReached(
                f"the limit of {show_money(self.cost)} is reached: {show_money(self.used_cost)} is spent"
            )
        self.used_calls += 1
        self.reserved += prompt
        return prompt

    def spend(self, reply: Reply) -> None:
        """Count an answer in. Raises BudgetReached where the cost cannot be known."""
        self.used += reply.usage
        if self.cost is not None:
            price = self.price(reply.model, reply.usage)
            if price is None:
                raise BudgetReached(
                    f"limits.cost cannot be held: no price is known for {reply.model}",
                    hint="limit tokens or calls instead",
                )
            self.used_cost += price


class Budgeted:
    """A model that asks the budget before each call."""

    __slots__ = ("_budget", "_model")

    def __init__(self, model: Model, budget: Budget) -> None:
        self._model = model
        self._budget = budget

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, if the budget allows it. Raises BudgetReached."""
        budget = self._budget
        reserved = budget.admit(request)
        try:
            reply = await self._model.generate(request, call)
        finally:
            budget.reserved -= reserved
        budget.spend(reply)
        return reply
