"""What the engine adds to a model call, against the same shape in bare asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import perf_counter

from konseho_cli.bench.council import Counting, Waiting, cast, run, shape, timed
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.core.clock import RealClock
from konseho_cli.telemetry.bus import Bus
from konseho_cli.telemetry.events import AskFinished

STEPS, AGENTS = 3, 5
DELAY_S = 0.05


@contextmanager
def _agent_call(scale: float) -> Iterator[Pair]:
    times = max(1, round(100 * scale))
    model = Waiting(0)
    plan, players = shape(STEPS, AGENTS), cast(AGENTS, model)
    calls = times * STEPS * AGENTS

    async def ours() -> None:
        for _ in range(times):
            await run(plan, players)

    async def peer() -> None:
        for _ in range(times * STEPS):
            async with asyncio.TaskGroup() as group:
                for _ in range(AGENTS):
                    group.create_task(asyncio.sleep(0))

    yield Pair(ours=lambda: timed(ours, calls), peer=lambda: timed(peer, calls))


@contextmanager
def _concurrent(scale: float) -> Iterator[Pair]:
    agents = max(2, round(1000 * scale))
    plan, players = shape(1, agents), cast(agents, Waiting(DELAY_S))

    async def ours() -> None:
        await run(plan, players)

    async def peer() -> None:
        await asyncio.gather(*(asyncio.sleep(DELAY_S) for _ in range(agents)))

    yield Pair(ours=lambda: timed(ours, 1), peer=lambda: timed(peer, 1))


@contextmanager
def _event(scale: float) -> Iterator[Pair]:
    times = max(10, round(20_000 * scale))
    cost = Decimal(0)

    def ours() -> float:
        bus = Bus(RealClock(), lambda flush: None)
        bus.subscribe(Counting())
        start = perf_counter()
        for number in range(times):
            if AskFinished in bus.wanted:
                bus.emit(
                    AskFinished(
                        at=bus.now(), step="review", agent="critic", call=number, status="ok",
                        input_tokens=20, output_tokens=10, model="bench", cost=cost, error="",
                    )
                )  # fmt: skip
            if number % 10 == 9:
                bus.flush()
        bus.flush()
        return (perf_counter() - start) / times

    def peer() -> float:
        kept: list[dict[str, object]] = []
        start = perf_counter()
        for number in range(times):
            event = {
                "step": "review", "agent": "critic", "call": number, "status": "ok",
                "input": 20, "output": 10, "model": "bench", "cost": cost, "error": "",
            }  # fmt: skip
            kept.append(event)
        return (perf_counter() - start) / times

    yield Pair(ours=ours, peer=peer)


ROWS = (
    Row(
        name="agent_call",
        title="an agent call: 3 steps of 5 agents, instant model, spans and events on",
        peer="the same shape in bare asyncio",
        prepare=_agent_call,
    ),
    Row(
        name="concurrent",
        title="1,000 concurrent agents on a model of 50 ms",
        peer="asyncio.gather of 1,000 sleeps",
        prepare=_concurrent,
    ),
    Row(
        name="event",
        title="an event, built, batched and delivered",
        peer="a dict, appended to a list",
        prepare=_event,
    ),
)
