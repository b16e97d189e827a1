from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

from aiohttp import web

from konseho_cli.models.http import Http

CHUNK = b'data: {"object":"x","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


def crowd(tools: Any, calls: int, http: Http) -> tuple[Any, int]:
    """Many calls at once, and how many of them the server saw at the same time, at most."""
    here, most = 0, 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal here, most
        here += 1
        most = max(most, here)
        await asyncio.sleep(0.002)  # so that the others arrive as well
        try:
            return await tools.streams(CHUNK, DONE)(request)
        finally:
            here -= 1

    heard = tools.talk(handle, requests=[tools.ask()] * calls, at_once=True, http=http)
    assert len(heard.replies) == calls
    return heard, most


def test_no_more_than_so_many_connections_go_to_a_host(tools: Any) -> None:
    heard, most = crowd(tools, 20, Http(per_host=3))
    assert most <= 3
    assert heard.kinds.count("connect") <= 4  # the server may end one between two calls


def test_no_more_than_so_many_connections_are_open_at_all(tools: Any) -> None:
    _, most = crowd(tools, 20, Http(connections=2))
    assert most <= 2


def test_waiting_for_a_connection_is_a_span_with_who_ended_it(tools: Any) -> None:
    heard, _ = crowd(tools, 5, Http(per_host=1))
    waits = [span for span in heard.spans if span.kind == "queue.limit"]
    ends = {span.id: span.end for span in heard.spans if span.kind == "stream"}
    assert len(waits) == 4
    assert {wait.attributes["resource"] for wait in waits} == {"connections"}
    assert all(wait.attributes["host"].startswith("http://127.0.0.1:") for wait in waits)
    assert len({wait.waker for wait in waits}) == 4
    assert all(wait.start <= ends[wait.waker] <= wait.end for wait in waits)


def test_nobody_waits_below_the_limit(tools: Any) -> None:
    heard, _ = crowd(tools, 10, Http())
    assert "queue.limit" not in heard.kinds


def test_a_failed_call_gives_its_connection_back(tools: Any) -> None:
    broken = tools.answers("{}", 500)
    heard = tools.talk(broken, requests=[tools.ask()] * 4, http=Http(per_host=1), attempts=1)
    assert len(heard.errors) == 4


def test_a_session_that_never_called_anybody_closes_quietly() -> None:
    asyncio.run(Http().aclose())


def test_aiohttp_is_loaded_by_the_first_call_and_not_before() -> None:
    program = """
import sys
from konseho_cli.models.http import Http
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build
for name in ("openai:m", "anthropic:m"):
    provider, _, model = name.partition(":")
    choice = ModelChoice(provider=provider, model=model, base_url="http://127.0.0.1:9/v1")
    build(choice, Shared(env={}, http=Http()))
print(sorted({"aiohttp", "yarl", "pydantic", "genai_prices", "jsonschema_rs", "rich"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
