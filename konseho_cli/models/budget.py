"""What a run may use up: a call that would pass a limit is refused before it is made."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from konseho_cli.core.errors import BudgetReached
from konseho_cli.core.units import show_count, show_money
from konseho_cli.models.base import Call, Model, Reply, Request, Usage

CHARS_PER_TOKEN = 4
"""A rough guess at what a prompt will take, until its usage is known."""

ZERO = Decimal(0)


class Share(msgspec.Struct, frozen=True):
    """What a call under way is expected to use: tokens of its prompt, and dollars."""

    tokens: int
    cost: Decimal


class Budget(msgspec.Struct, kw_only=True):
    """Limits of one run and what was used of them; shared by all its models.

    What is under way counts as well, so calls at the same time cannot pass a limit together but
    by the length of their answers, which nobody knows beforehand.
    """

    calls: int | None = None
    """Every model that is asked counts, a fallback too; another attempt does not."""
    tokens: int | None = None
    cost: Decimal | None = None
    """Dollars."""
    price: Callable[[str, Usage], Decimal | None]
    used_calls: int = 0
    used_tokens: int = 0
    used_cost: Decimal = ZERO
    uncounted: str = ""
    """A model whose answers came without a price, since it does not count its tokens."""

    @property
    def unlimited(self) -> bool:
        """Whether there is nothing to watch."""
        return self.calls is None and self.tokens is None and self.cost is None

    def admit(self, model: str, request: Request) -> Share:
        """Count a call in, with the share that it reserves. Raises BudgetReached."""
        if self.calls is not None and self.used_calls >= self.calls:
            raise BudgetReached(f"the limit of {self.calls} calls is reached")
        text = sum(len(message.text) for message in request.messages)
        share = Share(max(1, text // CHARS_PER_TOKEN), ZERO)
        if self.tokens is not None and self.used_tokens + share.tokens >= self.tokens:
            raise BudgetReached(
                f"the limit of {show_count(self.tokens)} tokens is reached: "
                f"{show_count(self.used_tokens)} are used, "
                f"the next prompt has about {show_count(share.tokens)}"
            )
        if self.cost is not None:
            share = Share(share.tokens, self._expected(model, request, share.tokens, self.cost))
        self._add(1, share)
        return share

    def settle(self, share: Share, reply: Reply | None) -> None:
        """Put what a call used in the place of what it had reserved; None: it gave no answer."""
        self._add(0, Share(-share.tokens, -share.cost))
        if reply is None:
            return
        price = self.price(reply.model, reply.usage) if self.cost is not None else ZERO
        if price is None:
            self.uncounted = reply.model
        self._add(0, Share(reply.usage.total, price or ZERO))

    def _expected(self, model: str, request: Request, tokens: int, limit: Decimal) -> Decimal:
        """Dollars that a call takes at least."""
        if self.uncounted:
            raise BudgetReached(
                f"limits.cost cannot be held: {self.uncounted} does not say what it used",
                hint="limit calls or time instead",
            )
        usage = Usage(input_tokens=tokens, output_tokens=request.max_tokens or 0)
        price = self.price(model, usage)
        if price is None:
            raise BudgetReached(
                f"limits.cost cannot be held: no price is known for {model}",
                hint="limit tokens or calls instead",
            )
        if self.used_cost + price > limit:
            raise BudgetReached(
                f"the limit of {show_money(limit)} is reached: {show_money(self.used_cost)} is "
                f"spent or under way, the next call takes {show_money(price)} or more"
            )
        return price

    def _add(self, calls: int, share: Share) -> None:
        self.used_calls += calls
        self.used_tokens += share.tokens
        self.used_cost += share.cost


class Budgeted:
    """A model that asks the budget before each call."""

    __slots__ = ("_budget", "_model", "_name")

    def __init__(self, name: str, model: Model, budget: Budget) -> None:
        self._name = name
        self._model = model
        self._budget = budget

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, if the budget allows it. Raises BudgetReached."""
        budget = self._budget
        share = budget.admit(self._name, request)
        reply: Reply | None = None
        try:
            reply = await self._model.generate(request, call)
            return reply
        finally:
            budget.settle(share, reply)
