"""1,000 calls over HTTP on the loopback, against a bare aiohttp loop that does the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from msgspec import structs

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.limits import Limits
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import served, variable
from konseho_cli.bench.rows.council import cast, run, shape, timed
from konseho_cli.core.slots import Slots
from konseho_cli.core.units import Count
from konseho_cli.council import Council
from konseho_cli.models.budget import Budget, Budgets
from konseho_cli.models.http import PER_HOST, Http
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build
from konseho_cli.spec.document import ModelSpec
from konseho_cli.steps.parallel import Parallel

if TYPE_CHECKING:
    import aiohttp

_QUESTION = {
    "model": "bench",
    "messages": [{"role": "user", "content": "Monolith or services?"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


_MANY = 10**9
"""More of anything than a run uses: limits that are held, and never reached."""
_WHOLE = {"hedge": True, "rpm": _MANY, "tpm": _MANY, "concurrency": "auto"}


@contextmanager
def _http(scale: float, *, whole: bool) -> Iterator[Pair]:
    """Through the stack as it is by default, or with all of it switched on."""
    calls = max(2, round(1000 * scale))
    plan = shape(1, calls)
    with served("server") as address:
        choice = ModelChoice(provider="openai", model="bench", base_url=address)
        if whole:
            spare = ModelChoice(provider="sim", model="fast")
            choice = structs.replace(choice, fallback=(spare,), **_WHOLE)

        async def ours() -> None:
            http = Http()
            try:
                await run(plan, cast(calls, build(choice, _shared(http, whole=whole))))
            finally:
                await http.aclose()

        async def peer() -> None:
            await _bare(f"{address}/chat/completions", calls)

        yield Pair(ours=lambda: timed(ours, 1), peer=lambda: timed(peer, 1))


def _shared(http: Http, *, whole: bool) -> Shared:
    if not whole:
        return Shared(env={}, http=http)
    budget = Budget(calls=_MANY, tokens=_MANY, price=lambda model, usage: None)
    return Shared(env={}, http=http, budgets=Budgets(run=budget), slots=Slots(_MANY))


@contextmanager
def _kept(scale: float) -> Iterator[Pair]:
    """A whole council, from its making on; every answer goes to the cache and to a cassette."""
    agents = [Agent(name=f"agent{number}") for number in range(max(2, round(1000 * scale)))]
    with served("server") as address, TemporaryDirectory() as folder:
        model = ModelSpec(
            use="openai:bench", base_url=address, cache=True, hedge=True, rpm=Count("1G"),
            tpm=Count("1G"), fallback=("sim:fast",),
        )  # fmt: skip
        council = Council(
            steps=[Parallel(agents=tuple(agent.name for agent in agents))],
            agents=[structs.replace(agent, role=f"You are {agent.name}.") for agent in agents],
            models={"all": model}, model="all",
            limits=Limits(calls=Count("1G"), tokens=Count("1G")),
        )  # fmt: skip

        async def ours() -> None:
            outcome = await council.execute("Ready?", record=f"{folder}/tape.jsonl", refresh=True)
            assert outcome.status == "ok", outcome.error

        async def peer() -> None:
            await _bare(f"{address}/chat/completions", len(agents))

        with variable("KONSEHO_HOME", folder):
            yield Pair(ours=lambda: timed(ours, 1), peer=lambda: timed(peer, 1))


async def _bare(url: str, calls: int) -> None:
    """What one would write by hand: as many connections as ours, the answer put together."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=PER_HOST)
    async with aiohttp.ClientSession(connector=connector) as session:
        answers = await asyncio.gather(*(_ask(session, url) for _ in range(calls)))
    assert all(answers)


async def _ask(session: aiohttp.ClientSession, url: str) -> str:
    pieces: list[str] = []
    async with session.post(url, json=_QUESTION) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:])["choices"]
                pieces += [choice["delta"].get("content") or "" for choice in choices]
    return "".join(pieces)


ROWS = (
    Row(
        name="http",
        title="1,000 streamed calls over HTTP on the loopback",
        peer="a bare aiohttp loop",
        prepare=partial(_http, whole=False),
        costly=True,
    ),
    Row(
        name="http_all",
        title="the same with the whole stack on: fallback, budget, retry, breaker, hedging, limits",
        peer="a bare aiohttp loop",
        prepare=partial(_http, whole=True),
        costly=True,
    ),
    Row(
        name="http_kept",
        title="a council of them, with each answer kept on disk and recorded on a cassette",
        peer="a bare aiohttp loop",
        prepare=_kept,
        costly=True,
    ),
)
