"""Recorded over real HTTP, replayed with the server gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cassette_file import read_cassette
from konseho_cli.session import Session
from konseho_cli.spec.load import check_document

KEY = "test-key-of-the-independent-server"
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def session(taping: Taping, url: str, *steps: dict[str, Any]) -> Session:
    document = {
        "konseho": 1,
        "name": "test",
        "model": "openai:m",
        "agents": {name: {"role": f"You are {name}."} for name in ("ann", "bob")},
        "steps": list(steps),
    }
    env = {} if not url else {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
    return Session(check_document(document), RunOptions(task="go", taping=taping), env)


def replayed(file: Path, *steps: dict[str, Any]) -> RunOutcome:
    first, second = (
        run_virtual(lambda loop: session(Taping(replay=file, speed=0), "", *steps).run())
        for _ in range(2)
    )
    assert first.end - first.start == second.end - second.start
    return second


def serving(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
    use: Callable[[str], Awaitable[RunOutcome]],
) -> RunOutcome:
    async def main() -> RunOutcome:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            return await use(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def said(*words: str) -> bytes:
    chunks = [{"object": "x", "choices": [{"delta": {"content": word}}]} for word in words]
    done = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": len(words)}}
    events = [f"data: {json.dumps(each)}\n\n" for each in (*chunks, done)]
    return "".join((*events, "data: [DONE]\n\n")).encode()


def streamed(*words: str, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return web.Response(body=said(*words), headers={"Content-Type": "text/event-stream", **named})


def test_a_429_with_its_retry_after_comes_back_and_so_do_the_headers(tmp_path: Path) -> None:
    file, asked = tmp_path / "run.jsonl", []
    ask = {"kind": "ask", "agent": "ann"}

    async def handle(request: web.Request) -> web.Response:
        asked.append(request)
        if len(asked) == 1:
            headers = {"Retry-After": "0.01", "X-RateLimit-Remaining-Requests": "0", "X-Id": KEY}
            return web.json_response({"error": "slow down"}, status=429, headers=headers)
        return streamed("fine", ", thank you", x_ratelimit_limit_requests="9")

    outcome = serving(handle, lambda url: session(Taping(record=file), url, ask).run())
    assert outcome.answer == "fine, thank you"
    refused, answered = read_cassette(file).attempts
    assert (refused.status, answered.status) == (429, 200)
    assert refused.failure is not None
    assert refused.failure.retry_after_s == 0.01
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert answered.headers["x-ratelimit-limit-requests"] == "9"
    assert [kind for kind, *_ in answered.phases] == ["ttft", "stream"]
    assert KEY not in file.read_text()

    again = replayed(file, ask)
    assert (again.answer, again.usage) == (outcome.answer, outcome.usage)
    assert [call.retries for call in again.calls] == [1]
    assert [service.throttled for service in again.services] == [1]
    kinds = [span.kind for span in outcome.spans]
    assert [span.kind for span in again.spans] == kinds
    assert 0 < again.duration_s <= outcome.duration_s


def test_a_repair_is_a_call_of_its_own_on_tape(tmp_path: Path) -> None:
    file, asked = tmp_path / "run.jsonl", []
    ask = {"kind": "ask", "agent": "ann", "output": {"schema": SCHEMA}}

    async def handle(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return streamed("not JSON" if len(asked) == 1 else '{"ok": true}')

    outcome = serving(handle, lambda url: session(Taping(record=file), url, ask).run())
    assert outcome.answer == {"ok": True}
    assert [attempt.identity[5] for attempt in read_cassette(file).attempts] == [0, 1]
    assert replayed(file, ask).answer == {"ok": True}


def test_a_key_that_the_server_says_in_pieces_is_nowhere_on_it(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    steps = ({"kind": "ask", "agent": "ann"}, {"kind": "chair", "agent": "bob"})

    async def handle(request: web.Request) -> web.Response:
        return streamed("your key is ", KEY[:10], KEY[10:], "!", x_ratelimit_key=KEY)

    outcome = serving(handle, lambda url: session(Taping(record=file), url, *steps).run())
    text = file.read_text()
    assert KEY not in text
    assert KEY[10:] not in text
    assert replayed(file, *steps).answer == outcome.answer == "your key is ***!"


def test_a_stream_that_dies_dies_again_with_its_partial_text(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    ask = {"kind": "ask", "agent": "ann"}

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(said("half an").partition(b'data: {"choices": []')[0])
        await asyncio.sleep(0)
        assert request.transport is not None
        request.transport.abort()
        return response

    outcome = serving(handle, lambda url: session(Taping(record=file), url, ask).run())
    again = replayed(file, ask)
    assert (again.status, again.error) == (outcome.status, outcome.error) == ("failed", again.error)
    assert again.step("ask").parts == outcome.step("ask").parts


@pytest.mark.parametrize("prompt", ["How is the weather?", "cut me off"])
def test_an_independent_servers_answers_outlive_it(
    aimock: str, tmp_path: Path, prompt: str
) -> None:
    file = tmp_path / "run.jsonl"
    both = {"kind": "parallel", "agents": ["ann", "bob"], "prompt": prompt}
    outcome = asyncio.run(session(Taping(record=file), f"{aimock}/v1", both).run())
    again = replayed(file, both)
    assert again.answer == outcome.answer
    assert again.usage == outcome.usage
    assert KEY not in file.read_text()
