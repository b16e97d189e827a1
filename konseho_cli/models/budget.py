"""What a run, a step or an agent may use up: a call that would pass a limit is refused before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping
from decimal import Decimal
from functools import partial

import msgspec
from msgspec import structs

from konseho_cli.core.deadline import earliest, ending_at
from konseho_cli.core.errors import BudgetReached, KonsehoError, OwnLimitReached
from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.models.base import Call, Identity, Model, Reply, Request, Usage

ZERO = Decimal(0)

Price = Callable[[str, Usage], Decimal | None]
"""Dollars of a usage by model; None: unknown."""
Estimate = Callable[[str, int], int]
"""Tokens of so many characters, by model."""


class Share(msgspec.Struct, frozen=True):
    """What a call under way is expected to use: tokens of its prompt, and dollars."""

    tokens: int
    cost: Decimal


class Budget(msgspec.Struct, kw_only=True):
    """Limits of a run, a step or an agent, and what was used of them.

    What is under way counts as well, so calls at the same time cannot pass a limit together but
    by the length of their answers, which nobody knows beforehand.
    """

    whose: str = ""
    """`step 'review'`, `agent 'ann'`; empty: the run's own, which ends with it."""
    calls: int | None = None
    """Every request counts: a fallback's, another attempt's and a hedge's too."""
    tokens: int | None = None
    cost: Decimal | None = None
    """Dollars."""
    time_s: float | None = None
    """Seconds of all calls together; each may take what is left when it starts."""
    price: Price
    estimate: Estimate = lambda model, size: size // 4
    used_calls: int = 0
    used_tokens: int = 0
    used_cost: Decimal = ZERO
    used_s: float = 0.0
    uncounted: str = ""
    """A model whose answers came without a price, since it does not count its tokens."""

    @property
    def unlimited(self) -> bool:
        """Whether there is nothing to watch."""
        return self.calls is None and self.tokens is None and self.cost is None and not self.time_s

    def admit(self, model: str, request: Request) -> Share:
        """Count a call in, with the share that it reserves. Raises BudgetReached."""
        self.admit_request()
        try:
            share = self._share(model, request)
        except KonsehoError:
            self.used_calls -= 1
            raise
        self._add(share)
        return share

    def admit_request(self) -> None:
        """Count one more request in. Raises BudgetReached."""
        if self.calls is not None and self.used_calls >= self.calls:
            raise self.reached(f"{self.calls} calls")
        self.used_calls += 1

    def settle(self, share: Share, requests: int) -> None:
        """A call has ended: take back its share, and the requests that were counted in vain."""
        self._add(Share(-share.tokens, -share.cost))
        self.used_calls -= requests

    def charge(self, model: str, usage: Usage, size: int = 0) -> None:
        """Count what was used; where the model counts nothing, what `size` characters come to."""
        price = self.price(model, usage) if self.cost is not None else ZERO
        if price is None:
            self.uncounted = model
        tokens = usage.total or self.estimate(model, size)
        self._add(Share(tokens, price or ZERO))

    def reached(self, what: str, *, more: str = "", hint: str | None = None) -> KonsehoError:
        """The error for a limit of `what` that is reached."""
        return self._error(f"the limit{self._of} of {what} is reached{more}", hint)

    def _share(self, model: str, request: Request) -> Share:
        share = Share(max(1, self.estimate(model, request.size)), ZERO)
        if self.tokens is not None and self.used_tokens + share.tokens >= self.tokens:
            raise self.reached(
                f"{show_count(self.tokens)} tokens",
                more=f": {show_count(self.used_tokens)} are used, "
                f"the next prompt has about {show_count(share.tokens)}",
            )
        if self.time_s is not None and self.used_s >= self.time_s:
            raise self.reached(show_duration(self.time_s))
        if self.cost is None:
            return share
        return Share(share.tokens, self._expected(model, request, share.tokens, self.cost))

    def _expected(self, model: str, request: Request, tokens: int, limit: Decimal) -> Decimal:
        """Dollars that a call takes at least."""
        if self.uncounted:
            raise self._unheld(f"{self.uncounted} does not say what it used", "calls or time")
        usage = Usage(input_tokens=tokens, output_tokens=request.max_tokens or 0)
        price = self.price(model, usage)
        if price is None:
            raise self._unheld(f"no price is known for {model}", "tokens or calls")
        if self.used_cost + price > limit:
            raise self.reached(
                show_money(limit),
                more=f": {show_money(self.used_cost)} is spent or under way, "
                f"the next call takes {show_money(price)} or more",
            )
        return price

    def _unheld(self, why: str, instead: str) -> KonsehoError:
        what = f"limits.cost{self._of} cannot be held: {why}"
        return self._error(what, f"limit {instead} instead")

    @property
    def _of(self) -> str:
        return f" of {self.whose}" if self.whose else ""

    def _error(self, what: str, hint: str | None) -> KonsehoError:
        kind = OwnLimitReached if self.whose else BudgetReached
        return kind(what, hint=hint)

    def _add(self, share: Share) -> None:
        self.used_tokens += share.tokens
        self.used_cost += share.cost


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """All that hold in a run; only those that limit something."""

    run: Budget | None = None
    steps: Mapping[str, tuple[Budget, ...]] = msgspec.field(default_factory=dict)
    """By place; those of a council that a step runs are among the step's."""
    agents: Mapping[str, Budget | None] = msgspec.field(default_factory=dict)
    """By id, with the place of its council before that of an agent inside; None: it has none."""

    @property
    def unlimited(self) -> bool:
        """Whether there is nothing to watch."""
        return self.run is None and not self.steps and not self.agents

    def of(self, identity: Identity) -> list[Budget]:
        """Those that a call is counted in: its agent's, its step's and of those around, the run's."""
        found = [self._agents(identity)] if self.agents else []
        place = identity.place if self.steps else ""
        while place:
            found.extend(self.steps.get(place, ()))
            place = place.rpartition(".")[0]
        found.append(self.run)
        return [budget for budget in found if budget is not None]

    def _agents(self, identity: Identity) -> Budget | None:
        name = own_name(identity.agent, identity.place, self.agents)
        return None if name is None else self.agents[name]


def own_name(agent: str, place: str, known: Container[str]) -> str | None:
    """Of an agent that speaks at a place: that of the innermost council that has one of its id."""
    while place:
        place = place.rpartition(".")[0]
        name = f"{place}.{agent}" if place else agent
        if name in known:
            return name
    return None


class Budgeted:
    """A model that asks the budgets before each call."""

    __slots__ = ("_budgets", "_model", "_name")

    def __init__(self, name: str, model: Model, budgets: Budgets) -> None:
        self._name = name
        self._model = model
        self._budgets = budgets

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, if the budgets allow it. Raises BudgetReached, OwnLimitReached."""
        budgets = self._budgets.of(call.identity)
        if not budgets:
            return await self._model.generate(request, call)
        shares = self._admit(budgets, request)
        account, counted = call.account, 1
        wasted, requests = account.wasted, account.requests
        reply: Reply | None = None

        def admit() -> None:
            nonlocal counted
            _admit_request(budgets)
            counted += 1

        try:
            reply = await self._in_time(budgets, request, structs.replace(call, admit=admit))
            return reply
        finally:
            wasted = account.wasted - wasted
            made = account.requests - requests or int(reply is not None)
            for budget, share in zip(budgets, shares, strict=True):
                budget.settle(share, counted - made)
                if wasted.total:
                    budget.charge(self._name, wasted)
                if reply is not None:
                    size = request.size + len(reply.text)
                    budget.charge(reply.model, reply.usage, size)

    def _admit(self, budgets: list[Budget], request: Request) -> list[Share]:
        """Count the call in everywhere, or nowhere."""
        shares: list[Share] = []
        try:
            for budget in budgets:
                shares.append(budget.admit(self._name, request))  # noqa: PERF401 - kept on a refusal
        except KonsehoError:
            for budget, share in zip(budgets, shares, strict=False):
                budget.settle(share, 1)
            raise
        return shares

    async def _in_time(self, budgets: list[Budget], request: Request, call: Call) -> Reply:
        timed = [budget for budget in budgets if budget.time_s is not None]
        if not timed:
            return await self._model.generate(request, call)
        clock = asyncio.get_running_loop().time
        start = clock()
        shortest = min(timed, key=lambda budget: (budget.time_s or 0.0) - budget.used_s)
        end = start + (shortest.time_s or 0.0) - shortest.used_s
        call.account.deadline = deadline = earliest(end, call.deadline)
        late = partial(shortest.reached, show_duration(shortest.time_s or 0.0))
        try:
            async with ending_at(end, late):
                return await self._model.generate(request, structs.replace(call, deadline=deadline))
        finally:
            for budget in timed:
                budget.used_s += clock() - start


def _admit_request(budgets: list[Budget]) -> None:
    counted: list[Budget] = []
    try:
        for budget in budgets:
            budget.admit_request()
            counted.append(budget)
    except KonsehoError:
        for budget in counted:
            budget.used_calls -= 1
        raise
