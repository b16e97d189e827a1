from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from konseho_cli.core.errors import BudgetReached, ModelUnavailable
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Reply, Request, Usage
from konseho_cli.models.hedge import Hedged
from konseho_cli.models.limits import Throttled
from konseho_cli.models.service import Service
from konseho_cli.telemetry.spans import Recorder

Line = tuple[float, float, str | Exception]
"""Seconds to the first text, seconds after it, and what is said or raised in the end."""


class Timed:
    """A model whose n-th request goes as the script says; after it, the last line holds."""

    def __init__(self, script: Sequence[Line]) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.cancelled: list[int] = []

    async def generate(self, request: Request, call: Call) -> Reply:
        self.calls.append(call)
        number = len(self.calls) - 1
        first_s, rest_s, said = self.script[min(number, len(self.script) - 1)]
        try:
            with call.scope.span("ttft"):
                await asyncio.sleep(first_s)
            if isinstance(said, Exception) and not rest_s:
                raise said
            if call.on_text:
                call.on_text("so ")
            with call.scope.span("stream"):
                await asyncio.sleep(rest_s)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if isinstance(said, Exception):
            raise said
        return Reply(text=said, model="p:m", usage=Usage(input_tokens=10, output_tokens=5))


class Run:
    """Forty quick calls to learn from, and then one that is watched, in virtual time."""

    def __init__(
        self,
        tools: Any,
        *script: Line,
        learn: int = 40,
        admit: Callable[[], None] | None = None,
    ) -> None:
        quick = [(0.1 - number / 1000, 0.0, "quick") for number in range(learn)]
        self.model = Timed([*quick, *script])
        self.service = Service("p:m")
        self.shown: list[str] = []
        self.error: Exception | None = None
        self.reply: Reply | None = None

        async def main(loop: VirtualLoop) -> None:
            hedged = Hedged(Throttled(self.model, self.service, None), self.service)
            for _ in range(learn):
                await hedged.generate(tools.ask("x" * 400), tools.call())
            self.recorder = Recorder(loop)
            call = self.call = tools.call(self.recorder, on_text=self.shown.append, admit=admit)
            start = loop.time()
            try:
                self.reply = await hedged.generate(tools.ask("x" * 400), call)
            except (ModelUnavailable, BudgetReached) as error:
                self.error = error
            self.took_s = loop.time() - start

        run_virtual(main)
        self.requests = self.model.calls[learn:]


def test_nothing_is_asked_twice_before_enough_is_known(tools: Any) -> None:
    run = Run(tools, (50, 0, "slow"), learn=5)
    assert (len(run.requests), run.took_s) == (1, 50)


def test_a_slow_request_is_made_once_more_after_the_p95_and_the_quicker_one_answers(
    tools: Any,
) -> None:
    run = Run(tools, (50, 1, "slow"), (0.2, 1, "quick"))
    assert run.reply is not None
    assert run.reply.text == "quick"
    assert run.took_s == pytest.approx(0.099 + 0.2 + 1)
    assert [call.identity.hedge for call in run.requests] == [0, 1]
    assert run.model.cancelled == [40]
    assert run.shown == ["so "]


def test_the_losers_cost_is_counted(tools: Any) -> None:
    account = Run(tools, (50, 1, "slow"), (0.2, 1, "quick")).call.account
    assert account.hedges == 1
    assert account.wasted == Usage(input_tokens=100)


def test_the_first_one_may_still_win(tools: Any) -> None:
    run = Run(tools, (0.15, 1, "first"), (5, 1, "second"))
    assert run.reply is not None
    assert run.reply.text == "first"
    assert run.model.cancelled == [41]


def test_a_second_request_that_fails_does_no_harm(tools: Any) -> None:
    run = Run(tools, (5, 1, "slow"), (0.1, 0, ModelUnavailable("down")))
    assert run.reply is not None
    assert (run.reply.text, run.took_s) == ("slow", 6)


def test_a_second_request_answers_where_the_first_one_fails(tools: Any) -> None:
    run = Run(tools, (5, 0, ModelUnavailable("down")), (6, 1, "late"))
    assert run.reply is not None
    assert run.reply.text == "late"


def test_if_both_fail_the_first_ones_error_is_raised(tools: Any) -> None:
    first, second = ModelUnavailable("first"), ModelUnavailable("second")
    assert Run(tools, (5, 0, first), (1, 0, second)).error is first


def test_whoever_has_spoken_is_the_answer_even_if_it_breaks_off(tools: Any) -> None:
    broke = ModelUnavailable("broke", partial="so ")
    run = Run(tools, (0.11, 3, broke), (0.1, 0, "never used"))
    assert run.error is broke
    assert run.took_s == pytest.approx(3.11)


def test_the_budget_decides_whether_there_is_a_second_request(tools: Any) -> None:
    def refuse() -> None:
        raise BudgetReached("enough")

    run = Run(tools, (5, 1, "slow"), admit=refuse)
    assert run.reply is not None
    assert len(run.requests) == 1


def test_at_most_one_in_twenty_is_asked_twice(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> Service:
        service = Service("p:m")
        model = Timed([*[(0.1, 0.0, "x")] * 40, (1.0, 0.0, "x")])
        hedged = Hedged(Throttled(model, service, None), service)
        for _ in range(200):
            service.latencies.observe(0.1)
            await hedged.generate(tools.ask(), tools.call())
        return service

    service = run_virtual(main)
    assert service.latencies.requests == 200
    assert 5 <= service.latencies.hedges <= 10


def test_the_wait_names_the_span_that_decided_it(tools: Any) -> None:
    run = Run(tools, (50, 1, "slow"), (0.2, 1, "quick"))
    spans = {span.id: span for span in run.recorder.spans}
    waits = [span for span in run.recorder.spans if span.kind == "barrier"]
    assert [spans[wait.waker].kind for wait in waits if wait.waker is not None][-1] == "stream"
    assert all(wait.waker is not None for wait in waits)


def test_a_cancelled_call_leaves_nothing_running(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> int:
        service = Service("p:m")
        model = Timed([(50, 1, "slow")])
        hedged = Hedged(Throttled(model, service, None), service)
        for _ in range(30):
            service.latencies.observe(0.1)
            service.latencies.requests += 1
        task = asyncio.ensure_future(hedged.generate(tools.ask(), tools.call()))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return len(model.cancelled)

    assert run_virtual(main) == 2


def test_where_the_first_fails_and_the_second_breaks_off_what_was_shown_is_not_asked_again(
    tools: Any,
) -> None:
    broke = ModelUnavailable("broke", partial="so ")
    run = Run(tools, (5, 0, ModelUnavailable("down")), (6, 1, broke))
    assert run.error is broke
    assert run.shown == ["so "]


def test_a_cancellation_from_outside_is_no_victory_of_the_second(tools: Any) -> None:
    async def main(loop: VirtualLoop) -> bool:
        service = Service("p:m")
        for _ in range(40):
            service.latencies.observe(0.1)
            service.latencies.requests += 1
        hedged = Hedged(
            Throttled(Timed([(50, 1, "slow"), (1.0, 5, "quick")]), service, None), service
        )
        task = asyncio.ensure_future(hedged.generate(tools.ask(), tools.call()))
        loop.call_at(1.1, task.cancel)  # in the very turn in which the second speaks
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtual(main)
