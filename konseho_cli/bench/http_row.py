"""1,000 calls over HTTP on the loopback, against a bare aiohttp loop that does the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from konseho_cli.bench.council import cast, run, shape, timed
from konseho_cli.bench.measure import Pair, Row
from konseho_cli.bench.processes import child
from konseho_cli.models.http import PER_HOST, Http
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build

if TYPE_CHECKING:
    import aiohttp

_QUESTION = {
    "model": "bench",
    "messages": [{"role": "user", "content": "Monolith or services?"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


@contextmanager
def _http(scale: float) -> Iterator[Pair]:
    calls = max(2, round(1000 * scale))
    plan = shape(1, calls)
    with child(["-m", "konseho_cli.bench.server"]) as server:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"

        async def ours() -> None:
            http = Http()
            try:
                choice = ModelChoice(provider="openai", model="bench", base_url=address)
                await run(plan, cast(calls, build(choice, Shared(env={}, http=http))))
            finally:
                await http.aclose()

        async def peer() -> None:
            await _bare(f"{address}/chat/completions", calls)

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
        prepare=_http,
        costly=True,
    ),
)
