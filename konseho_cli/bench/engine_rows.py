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
from konseho_cli.models.base import Call, Reply, Request
from konseho_cli.telemetry.bus import Bus, Subscription
from konseho_cli.telemetry.events import EVERYTHING, AskFinished, TextArrived
from konseho_cli.telemetry.queued import EventQueue

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


class _Noting(Waiting):
    """Notes when each call reaches it."""

    __slots__ = ("reached",)

    def __init__(self) -> None:
        super().__init__(0)
        self.reached: list[float] = []

    async def generate(self, request: Request, call: Call) -> Reply:
        """Note, then answer."""
        self.reached.append(perf_counter())
        return await super().generate(request, call)


@contextmanager
def _delegation(scale: float) -> Iterator[Pair]:
    times, plan = max(1, round(200 * scale)), shape(1, AGENTS)

    def ours() -> float:
        model, took = _Noting(), 0.0
        players = cast(AGENTS, model)

        async def main() -> None:
            nonlocal took
            for _ in range(times):
                model.reached.clear()
                start = perf_counter()
                await run(plan, players)
                took += model.reached[-1] - start

        asyncio.run(main())
        return took / times / AGENTS

    def peer() -> float:
        reached: list[float] = []
        took = 0.0

        async def one() -> None:
            reached.append(perf_counter())

        async def main() -> None:
            nonlocal took
            for _ in range(times):
                start = perf_counter()
                async with asyncio.TaskGroup() as group:
                    for _ in range(AGENTS):
                        group.create_task(one())
                took += reached[-1] - start

        asyncio.run(main())
        return took / times / AGENTS

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _parallel(scale: float) -> Iterator[Pair]:
    """Four agents that wait: as one that waits, if nothing is lost."""
    plan, players = shape(1, 4), cast(4, Waiting(DELAY_S))

    async def ours() -> None:
        await run(plan, players)

    async def peer() -> None:
        await asyncio.sleep(DELAY_S)

    yield Pair(ours=lambda: timed(ours, 1), peer=lambda: timed(peer, 1))


class _Speaking:
    """A model that says its answer in pieces, with a turn of the loop for each ten."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces

    async def generate(self, request: Request, call: Call) -> Reply:
        """Speak."""
        assert call.on_text is not None, "somebody listens"
        for number in range(self._pieces):
            call.on_text("piece ")
            if number % 10 == 9:
                await asyncio.sleep(0)
        return Reply(text="piece " * self._pieces, model="bench")


@contextmanager
def _streaming(scale: float) -> Iterator[Pair]:
    pieces = max(10, round(5000 * scale))
    plan, players = shape(1, 1), cast(1, _Speaking(pieces))

    async def ours() -> None:
        queue = EventQueue()
        running = asyncio.create_task(run(plan, players, Subscription(queue, EVERYTHING)))
        running.add_done_callback(lambda _: queue.close())
        seen = [event async for event in queue if type(event) is TextArrived]
        assert len(seen) == pieces, "a piece was lost"
        await running

    async def peer() -> None:
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def speak() -> None:
            for number in range(pieces):
                queue.put_nowait("piece ")
                if number % 10 == 9:
                    await asyncio.sleep(0)
            queue.put_nowait(None)

        task = asyncio.create_task(speak())
        while await queue.get() is not None:
            pass
        await task

    yield Pair(ours=lambda: timed(ours, pieces), peer=lambda: timed(peer, pieces))


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
    Row(
        name="delegation",
        title="from the start of a run until a call reaches its model, one of five",
        peer="starting bare asyncio tasks",
        prepare=_delegation,
    ),
    Row(
        name="parallel",
        title="four agents at once on a model of 50 ms",
        peer="one sleep of 50 ms: the ideal",
        prepare=_parallel,
    ),
    Row(
        name="streaming",
        title="a piece of an answer's text, from the model to who streams the run",
        peer="an asyncio.Queue",
        prepare=_streaming,
    ),
)
