"""What keeping a run costs it: finished calls that are waited for, and events that are not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from konseho_cli.bench.measure import Pair, Row
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import Storing
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document
from konseho_cli.store.base import CallKept, EventKept, RunBegan
from konseho_cli.store.sqlite_store import SqliteStore

_WIDE = 5
_RUN = "3fk2abcd"
_BODY = b"\x00" + random.Random(1).randbytes(1024)
"""What an answer packs to; nothing makes it smaller."""
_BEGAN = RunBegan(
    run=_RUN, council="bench", file="", task="", models=("openai:bench",), simulated=False,
    started=0.0, process="", version="", document=b"\x00\xc0",
)  # fmt: skip
_EVENT = EventKept(run=_RUN, at=1, name="CallFinished", fields='{"step":"argue","agent":"ann"}')


@contextmanager
def _calls(scale: float) -> Iterator[Pair]:
    turns = max(2, round(400 * scale))
    calls = [[_call(agent, turn) for turn in range(turns)] for agent in range(_WIDE)]

    async def kept(store: SqliteStore) -> float:
        return await _all(calls, lambda call: store.write([call]))

    def ours() -> float:
        return _with_store(kept) / (turns * _WIDE)

    def peer() -> float:
        return asyncio.run(_all(calls, lambda call: asyncio.sleep(0))) / (turns * _WIDE)

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _events(scale: float) -> Iterator[Pair]:
    times = max(100, round(20_000 * scale))

    async def handed_over(store: SqliteStore) -> float:
        start = perf_counter()
        for _ in range(times):
            store.soon([_EVENT])
        return perf_counter() - start

    yield Pair(ours=lambda: _with_store(handed_over) / times, peer=lambda: _listed(times) / times)


@contextmanager
def _events_on_disk(scale: float) -> Iterator[Pair]:
    times = max(100, round(20_000 * scale))

    async def on_disk(store: SqliteStore) -> float:
        start = perf_counter()
        for _ in range(times):
            store.soon([_EVENT])
        await store.aclose()
        return perf_counter() - start

    yield Pair(ours=lambda: _with_store(on_disk) / times, peer=lambda: _listed(times) / times)


def _listed(times: int) -> float:
    kept: list[EventKept] = []
    start = perf_counter()
    for _ in range(times):
        kept.extend([_EVENT])
    return perf_counter() - start


def _with_store(use: Callable[[SqliteStore], Awaitable[float]]) -> float:
    """A new file each time: what is measured does not grow with the rounds before."""

    async def main(path: Path) -> float:
        async with SqliteStore(path) as store:
            await store.write([_BEGAN])
            return await use(store)

    with TemporaryDirectory() as folder:
        return asyncio.run(main(Path(folder) / "konseho.db"))


async def _all(calls: list[list[CallKept]], keep: Callable[[CallKept], Awaitable[object]]) -> float:
    async def one(turns: list[CallKept]) -> None:
        for call in turns:
            await keep(call)

    start = perf_counter()
    async with asyncio.TaskGroup() as group:
        for turns in calls:
            group.create_task(one(turns))
    return perf_counter() - start


def _call(agent: int, turn: int) -> CallKept:
    return CallKept(
        run=_RUN, path="argue", iteration=0, item="", agent=f"agent{agent}", turn=turn, repair=0,
        tool_turn=0, step="argue", label="round 1", model="openai:bench", status="ok",
        source="model", start=turn, end=turn + 1, input_tokens=200, output_tokens=200,
        cached_tokens=0, written_tokens=0, wasted_tokens=0, cost=Decimal("0.001"), requests=1,
        retries=0, hedges=0, error="", body=_BODY,
    )  # fmt: skip


@contextmanager
def _kept_run(scale: float) -> Iterator[Pair]:
    """A whole run: what keeping it takes is spread over its calls."""
    steps = max(2, round(200 * scale))
    names = [f"agent{number}" for number in range(_WIDE)]
    loaded = check_document({
        "konseho": 1, "name": "bench", "task": "Which way?", "model": "sim:instant",
        "agents": {name: {"role": "You are one of us."} for name in names},
        "steps": [
            {"id": f"step{number}", "kind": "parallel", "agents": names, "prompt": "{{ task }}"}
            for number in range(steps)
        ],
    })  # fmt: skip

    def run(storing: Storing) -> float:
        session = Session(loaded, RunOptions(storing=storing), env={})
        start = perf_counter()
        asyncio.run(session.run())
        return (perf_counter() - start) / (steps * _WIDE)

    def ours() -> float:
        with TemporaryDirectory() as folder:
            return run(Storing(enabled=True, file=Path(folder) / "konseho.db"))

    yield Pair(ours=ours, peer=lambda: run(Storing()))


ROWS = (
    Row(
        name="journal_run",
        title="a simulated call of a run that is kept: opening, calls, steps, spans, closing",
        peer="the same run that is not kept",
        prepare=_kept_run,
        costly=True,
    ),
    Row(
        name="journal_call",
        title="a call of 1 KiB kept before its answer is used, five at a time",
        peer="the same loop without a store",
        prepare=_calls,
    ),
    Row(
        name="store_event",
        title="an event handed to the store, as the run waits for it",
        peer="a list that grows",
        prepare=_events,
    ),
    Row(
        name="store_event_kept",
        title="an event until it is on disk, with 20,000 others",
        peer="a list that grows",
        prepare=_events_on_disk,
    ),
)
