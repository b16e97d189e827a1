"""Crowds through retry, breaker, hedges and limits together, in virtual time: what once went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from konseho_cli.core.errors import CircuitOpen, KonsehoError, ModelUnavailable, NotAsked
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Message, Reply, Request, Usage
from konseho_cli.models.budget import Budget, Budgeted, Budgets
from konseho_cli.models.circuit import Guarded
from konseho_cli.models.hedge import Hedged
from konseho_cli.models.limits import Throttled
from konseho_cli.models.retry import Retried
from konseho_cli.models.service import Service
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.telemetry.spans import Recorder, Span

REQUEST = Request(model="m", messages=(Message("user", "x" * 400),))


class Server:
    """Answers after a second, or does what it is told; notes when each request came."""

    def __init__(self, says: Callable[[float], Exception | None] = lambda now: None) -> None:
        self.says = says
        self.came: list[float] = []
        self.takes_s = 1.0

    async def generate(self, request: Request, call: Call) -> Reply:
        now = asyncio.get_running_loop().time()
        self.came.append(round(now, 3))
        error = self.says(now)
        with call.scope.span("ttft"):
            await asyncio.sleep(0.1 if error else self.takes_s)
        if error:
            raise error
        return Reply(text="x", model="p:m", usage=Usage(input_tokens=50, output_tokens=50))


def crowd(
    model: Any, many: int, during: Callable[[VirtualLoop], object] = lambda loop: None
) -> tuple[list[Any], float]:
    """What became of so many calls, and when the last one ended."""

    async def main(loop: VirtualLoop) -> tuple[list[Any], float]:
        during(loop)
        recorder = Recorder(loop)
        calls = [
            Call(identity=Identity(step="s", agent=f"a{n}"), scope=recorder.root())
            for n in range(many)
        ]
        asked = (model.generate(REQUEST, call) for call in calls)
        return await asyncio.gather(*asked, return_exceptions=True), loop.time()

    return run_virtual(main)


def limited(**limits: Any) -> Service:
    service = Service("p:m")
    service.limit(limits.get("concurrency"), rpm=limits.get("rpm"), tpm=limits.get("tpm"))
    return service


def busy(pause_s: float | None) -> ModelUnavailable:
    return ModelUnavailable("p:m: 429", status=429, retry_after_s=pause_s)


@pytest.mark.parametrize("pause_s", [None, 1.0, 20.0])
@pytest.mark.parametrize("many", [1, 20, 1100])
def test_a_server_that_refuses_for_good_is_given_up_within_minutes(
    many: int, pause_s: float | None
) -> None:
    server = Server(lambda now: busy(pause_s))
    service = limited(concurrency=None if many > 1000 else "auto")
    ends, took_s = crowd(Retried(Guarded(Throttled(server, service, None), service)), many)
    assert all(isinstance(end, ModelUnavailable) for end in ends)
    assert took_s < 300
    if many > 1:
        assert sum(isinstance(end, NotAsked) for end in ends) > 0


def test_a_hiccup_that_many_see_at_once_is_one() -> None:
    server = Server(lambda now: busy(None) if now < 0.2 else None)
    _, alone_s = crowd(Retried(Throttled(server, limited(), None)), 1)
    _, together_s = crowd(Retried(Throttled(server, limited(), None)), 20)
    assert together_s < alone_s + 3


@pytest.mark.parametrize("concurrency", [1, 5, 20])
def test_a_dead_server_is_left_alone_though_a_crowd_waits_for_it(concurrency: int) -> None:
    server = Server(lambda now: ModelUnavailable("p:m: 503", status=503))
    service = limited(concurrency=concurrency)
    ends, _ = crowd(Retried(Guarded(Throttled(server, service, None), service)), 1000)
    assert len(server.came) <= 5 * concurrency
    assert all(isinstance(end, CircuitOpen) for end in ends)


def test_a_minute_holds_what_is_stated_whatever_else_is_waited_for() -> None:
    slots = Slots(1)
    assert slots.try_acquire()
    server = Server()
    model = Throttled(server, limited(rpm=2), slots)
    crowd(model, 6, lambda loop: loop.call_at(190, slots.release, 0))
    assert server.came == [190, 191, 250, 251, 310, 311]


def test_a_pause_ends_with_as_many_as_the_minute_allows() -> None:
    server, service = Server(), limited(rpm=2)
    crowd(Throttled(server, service, None), 6, lambda loop: service.gate.close(50))
    assert server.came == [50, 51, 110, 111, 170, 171]


def test_one_that_may_go_does_not_let_the_crowd_go() -> None:
    class Counting(Server):
        async def generate(self, request: Request, call: Call) -> Reply:
            reply = await super().generate(request, call)
            assert call.on_headers
            names = ("limit", "10"), ("remaining", "1"), ("reset", "90s")
            call.on_headers(200, {f"x-ratelimit-{name}-requests": said for name, said in names})
            return reply

    server, service = Counting(), limited()
    crowd(Throttled(server, service, None), 10, lambda loop: service.gate.close(1))
    gaps = [late - early for early, late in zip(server.came[2:], server.came[3:], strict=False)]
    assert min(gaps) >= 9  # a tenth of what the server refills in 90 seconds


def test_its_answer_opens_the_gate_as_soon_as_it_begins() -> None:
    class Slow(Server):
        async def generate(self, request: Request, call: Call) -> Reply:
            if call.on_headers:
                call.on_headers(200, {})
            return await super().generate(request, call)

    server, service = Slow(), limited()
    server.takes_s = 60.0
    _, took_s = crowd(Throttled(server, service, None), 10, lambda loop: service.gate.close(1))
    assert took_s == pytest.approx(61)


def hedging(service: Service) -> None:
    """Enough is known to ask twice after 100 ms."""
    for _ in range(100):
        service.latencies.observe(0.1)
        service.latencies.requests += 1


@pytest.mark.parametrize("whose", ["", "agent 'a0'"])
def test_a_limit_of_calls_holds_for_second_requests_and_counts_what_was_sent(whose: str) -> None:
    server, service = Server(), limited()
    hedging(service)
    budget = Budget(whose=whose, calls=1, price=lambda model, usage: None)
    budgets = Budgets(run=budget) if not whose else Budgets(agents={"a0": budget})
    model = Budgeted("p:m", Hedged(Throttled(server, service, None), service), budgets)
    (reply,), _ = crowd(model, 1)
    assert isinstance(reply, Reply)
    assert (len(server.came), budget.used_calls) == (1, 1)


def test_a_second_request_that_never_came_to_its_turn_is_not_counted() -> None:
    server, service = Server(), limited(concurrency=1)
    hedging(service)
    budget = Budget(calls=10, price=lambda model, usage: None)
    model = Budgeted("p:m", Hedged(Throttled(server, service, None), service), Budgets(run=budget))
    crowd(model, 1)
    assert (len(server.came), budget.used_calls) == (1, 1)


def test_a_retry_that_the_budget_refuses_says_what_it_was_for() -> None:
    server = Server(lambda now: ModelUnavailable("p:m: 503: down", status=503))
    budgets = Budgets(run=Budget(calls=2, price=lambda model, usage: None))
    (error,), _ = crowd(Budgeted("p:m", Retried(server), budgets), 1)
    assert isinstance(error, KonsehoError)
    assert str(error) == "the limit of 2 calls is reached, after p:m: 503: down"


def path_kinds(model: Any, many: int) -> Sequence[str]:
    """What the critical path of a run of such calls is made of, loop lag left out."""
    spans: list[Span] = []

    async def main(loop: VirtualLoop) -> None:
        recorder = Recorder(loop)
        scope = recorder.root()
        with scope.span("run"):
            calls = [
                Call(identity=Identity(step="s", agent=f"a{n}"), scope=scope.branch())
                for n in range(many)
            ]

            async def ask(call: Call) -> None:
                with call.scope.span("ask"):
                    await model.generate(REQUEST, call)

            tasks = [asyncio.ensure_future(ask(call)) for call in calls]
            with scope.span("barrier") as barrier:
                await asyncio.wait(tasks)
                barrier.waker = calls[-1].scope.latest
        spans.extend(recorder.spans)

    run_virtual(main)
    return [segment.kind for segment in critical_path(spans).segments if segment.duration]


@pytest.mark.parametrize("hedge", [False, True])
def test_the_critical_path_goes_through_whoever_held_the_slot(hedge: bool) -> None:
    service = limited(concurrency=1)
    model: Any = Throttled(Server(), service, None)
    assert set(path_kinds(Hedged(model, service) if hedge else model, 4)) == {"ttft"}


def test_where_the_second_request_wins_the_path_goes_through_what_the_first_one_waited_for() -> (
    None
):
    class Slow(Server):
        async def generate(self, request: Request, call: Call) -> Reply:
            self.takes_s = 0.2 if call.identity.hedge else 50.0
            reply = await super().generate(request, call)
            assert call.on_text
            call.on_text("x")
            with call.scope.span("stream"):
                await asyncio.sleep(1)
            return reply

    service = limited()
    hedging(service)
    assert path_kinds(Hedged(Throttled(Slow(), service, None), service), 1) == [
        "ttft", "ttft", "stream",
    ]  # fmt: skip
