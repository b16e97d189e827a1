"""The budget: refused before it is made, what is under way included, no answer thrown away."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from konseho_cli.core.errors import BudgetReached, KonsehoError, ModelUnavailable
from konseho_cli.models.base import Call, Message, Reply, Request, Usage
from konseho_cli.models.budget import Budget, Budgeted, Budgets

PROMPT = Request(model="m", messages=(Message("user", "word " * 80),))  # about 100 tokens


def a_cent_each(model: str, usage: Usage) -> Decimal | None:
    return Decimal("0.01") if usage.total else None


class Answering:
    """A model that answers with a usage, or fails."""

    def __init__(self, usage: Usage | None) -> None:
        self.usage = usage
        self.calls = 0

    async def generate(self, request: Request, call: Call) -> Reply:
        self.calls += 1
        await asyncio.sleep(0)
        if self.usage is None:
            raise ModelUnavailable("down")
        return Reply(text="x", model="p:m", usage=self.usage)


def ask(tools: Any, times: int, usage: Usage | None, **limits: Any) -> tuple[Answering, list[Any]]:
    """Ask at the same time; what came of each."""
    model = Answering(usage)
    budget = Budget(price=limits.pop("price", a_cent_each), **limits)
    budgeted = Budgeted("p:m", model, Budgets(run=budget))

    async def main() -> list[Any]:
        asked = (budgeted.generate(PROMPT, tools.call()) for _ in range(times))
        return await asyncio.gather(*asked, return_exceptions=True)

    return model, asyncio.run(main())


USED = Usage(input_tokens=100, output_tokens=50)


def test_a_call_beyond_the_limit_is_not_made(tools: Any) -> None:
    model, results = ask(tools, 5, USED, calls=3)
    assert model.calls == 3
    assert sum(isinstance(each, BudgetReached) for each in results) == 2


def test_calls_under_way_count_against_the_cost(tools: Any) -> None:
    model, results = ask(tools, 5, USED, cost=Decimal("0.025"))
    assert model.calls == 2
    assert "$0.02 is spent or under way" in str(results[-1]).replace("$0.020", "$0.02")


def test_calls_under_way_count_against_the_tokens(tools: Any) -> None:
    model, _ = ask(tools, 5, USED, tokens=250)
    assert model.calls == 2


def test_a_call_that_failed_gives_its_share_back(tools: Any) -> None:
    budget = Budget(tokens=150, price=a_cent_each)
    failing, fine = (
        Budgeted("p:m", Answering(usage), Budgets(run=budget)) for usage in (None, USED)
    )

    async def main() -> Reply:
        with pytest.raises(ModelUnavailable):
            await failing.generate(PROMPT, tools.call())
        return await fine.generate(PROMPT, tools.call())

    assert asyncio.run(main()).text == "x"
    assert budget.used_tokens == 150


def test_a_model_without_a_price_is_refused_before_it_is_paid(tools: Any) -> None:
    model, (result,) = ask(tools, 1, USED, cost=Decimal(1), price=lambda model, usage: None)
    assert model.calls == 0
    assert "no price is known for p:m" in str(result)


def test_an_answer_that_counts_nothing_is_kept_and_the_next_call_refused(tools: Any) -> None:
    budget = Budget(cost=Decimal(1), price=a_cent_each)
    model = Budgeted("p:m", Answering(Usage()), Budgets(run=budget))

    async def main() -> tuple[Reply, KonsehoError]:
        reply = await model.generate(PROMPT, tools.call())
        with pytest.raises(BudgetReached) as refused:
            await model.generate(PROMPT, tools.call())
        return reply, refused.value

    reply, refused = asyncio.run(main())
    assert reply.text == "x"
    assert "p:m does not say what it used" in str(refused)


def test_where_the_server_counts_nothing_tokens_are_estimated(tools: Any) -> None:
    budget = Budget(tokens=150, price=a_cent_each)
    model = Budgeted("p:m", Answering(Usage()), Budgets(run=budget))

    async def main() -> None:
        await model.generate(PROMPT, tools.call())
        with pytest.raises(BudgetReached):
            await model.generate(PROMPT, tools.call())

    asyncio.run(main())
    assert budget.used_tokens == 100
