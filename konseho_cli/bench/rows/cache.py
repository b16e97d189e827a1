"""An answer that is there already: from memory, and from SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from konseho_cli.agents.definition import Agent
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import variable
from konseho_cli.bench.rows.council import ANSWER, Waiting
from konseho_cli.core.clock import RealClock
from konseho_cli.council import Council
from konseho_cli.models.base import Call, Identity, Message, Request
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.cached import with_cache
from konseho_cli.models.memory_tier import MemoryTier
from konseho_cli.models.registry import ModelChoice
from konseho_cli.spec.document import ModelSpec
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.parallel import Parallel
from konseho_cli.store.cache_tier import CacheTier
from konseho_cli.telemetry.spans import Recorder

_CHOICE = ModelChoice(provider="openai", model="bench", temperature=0.0)
_PROMPT = "Should a team of four start with a monolith or with services? " * 16
"""A thousand characters: what a short council asks."""


@contextmanager
def _memory(scale: float) -> Iterator[Pair]:
    times = max(10, round(5000 * scale))
    memory = _room(entries=1000)
    asyncio.run(_ask(_requests(1), memory, None))  # from here on it is known
    requests = _requests(1) * times
    known = {_PROMPT: ANSWER}

    def peer() -> float:
        start = perf_counter()
        for _ in range(times):
            known.get(_PROMPT)
        return (perf_counter() - start) / times

    yield Pair(ours=lambda: asyncio.run(_ask(requests, memory, None)) / times, peer=peer)


@contextmanager
def _store(scale: float) -> Iterator[Pair]:
    times = max(2, round(500 * scale))
    requests = _requests(times)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "konseho.db"
        # nothing is kept in memory, so that each answer comes from the disk
        asyncio.run(_filled(requests, file))

        def ours() -> float:
            return asyncio.run(_from_disk(requests, file)) / times

        with closing(sqlite3.connect(file)) as connection:
            keys = [key for (key,) in connection.execute("SELECT key FROM cache")]

            def peer() -> float:
                start = perf_counter()
                for key in keys:
                    connection.execute("SELECT value FROM cache WHERE key = ?", (key,)).fetchone()
                return (perf_counter() - start) / len(keys)

            yield Pair(ours=ours, peer=peer)


def _requests(count: int) -> list[Request]:
    return [
        Request(
            model="bench",
            messages=(
                Message("system", "You decide."),
                Message("user", f"{_PROMPT}{number or ''}"),
            ),
            temperature=0.0,
        )
        for number in range(count)
    ]


def _room(entries: int) -> MemoryTier:
    return MemoryTier(RealClock.now, entries=entries)


async def _ask(requests: list[Request], memory: MemoryTier, tier: CacheTier | None) -> float:
    """Seconds for all of them, one after another; spans are recorded as in a run."""
    cache = ResponseCache(memory, tier)
    model = with_cache(Waiting(0), _CHOICE, cache, {})
    scope = Recorder(RealClock()).root()
    identity = Identity(step="bench", agent="bench")
    start = perf_counter()
    for request in requests:
        await model.generate(request, Call(identity=identity, scope=scope))
    took = perf_counter() - start
    assert cache.stats.hits in (0, len(requests)), "some were known, some were not"
    return took


async def _filled(requests: list[Request], file: Path) -> None:
    await _with_tier(file, lambda tier: _ask(requests, _room(0), tier))


async def _from_disk(requests: list[Request], file: Path) -> float:
    async def measured(tier: CacheTier) -> float:
        await tier.get(b"")  # the database is open
        return await _ask(requests, _room(0), tier)

    return await _with_tier(file, measured)


async def _with_tier(file: Path, use: Callable[[CacheTier], Awaitable[float]]) -> float:
    tier = CacheTier(lambda: file, RealClock.wall)
    try:
        return await use(tier)
    finally:
        await tier.aclose()


_RUNS, _DELAY_S = 10, 0.05


@contextmanager
def _missed(scale: float) -> Iterator[Pair]:
    """The same council again and again: what is still asked."""
    council = _council(cache_size=1000)

    def ours() -> float:
        new = _council(cache_size=1000)
        with TemporaryDirectory() as home, variable("KONSEHO_HOME", home):
            outcomes = [new.run("Which way?") for _ in range(_RUNS)]
        calls = [call for outcome in outcomes for call in outcome.calls]
        return sum(call.source == "model" for call in calls) / len(calls)

    def peer() -> float:
        calls = council.run("Which way?", cache=False).calls
        return sum(call.source == "model" for call in calls) / len(calls)

    yield Pair(ours=ours, peer=peer)


@contextmanager
def _gain(scale: float) -> Iterator[Pair]:
    """A run whose answers are there, against one that asks a model of 50 ms."""
    council = _council(cache_size=1000)

    def with_cache() -> float:
        start = perf_counter()
        council.run("Which way?")
        return perf_counter() - start

    def without() -> float:
        start = perf_counter()
        council.run("Which way?", cache=False)
        return perf_counter() - start

    with TemporaryDirectory() as home, variable("KONSEHO_HOME", home):
        with_cache()
        yield Pair(ours=with_cache, peer=without)


def _council(cache_size: int) -> Council:
    names = [f"agent{number}" for number in range(4)]
    model = ModelSpec(use=f"sim:instant,ttft={_DELAY_S}", temperature=0.0, cache=True)
    return Council(
        steps=[Parallel(agents=tuple(names)), Chair(agent=names[0])],
        agents=[Agent(name=name, role=f"You are {name}.") for name in names],
        models={"waiting": model}, model="waiting", cache_size=cache_size,
    )  # fmt: skip


ROWS = (
    Row(
        name="cache_misses",
        title="of the calls of ten runs of one council, the share that a model is asked",
        peer="the same without a cache",
        prepare=_missed,
    ),
    Row(
        name="cache_gain",
        title="a run of two steps whose answers are all in memory",
        peer="the same run that asks a model of 50 ms",
        prepare=_gain,
    ),
    Row(
        name="cache_memory",
        title="a known answer from memory, its key of 1,000 characters made and looked up",
        peer="a dict lookup",
        prepare=_memory,
    ),
    Row(
        name="cache_store",
        title="a known answer from SQLite, on its worker thread",
        peer="a bare sqlite3 select of the same row",
        prepare=_store,
    ),
)
