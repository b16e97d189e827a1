from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.models.http import Http
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build
from konseho_cli.telemetry.spans import Recorder

KEY = "very-secret-key-1234"
CHUNK = b'data: {"object":"x","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
END = b'data: {"object":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def listening(speak: Speak) -> AsyncIterator[str]:
    """A server that is written byte by byte; yields its host and port."""
    writers: list[asyncio.StreamWriter] = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await speak(reader, writer)
        writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def over_tcp(
    tools: Any, speak: Speak, requests: int = 1, url: str = "http://{}/v1", **choice: Any
) -> Any:
    """Talk to such a server from another thread, and so from another loop."""

    async def main() -> Any:
        async with listening(speak) as place:
            asked = [tools.ask()] * requests
            return await asyncio.to_thread(
                tools.talk, None, base_url=url.format(place), requests=asked, **choice
            )

    return asyncio.run(main())


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + (b"0\r\n\r\n" if end else b"")


# ----------------------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ModelRefused),
        (401, ModelRefused),
        (403, ModelRefused),
        (404, ModelRefused),
        (408, ModelUnavailable),
        (409, ModelUnavailable),
        (422, ModelRefused),
        (429, ModelUnavailable),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
        (529, ModelUnavailable),
    ],
)
def test_a_status_becomes_an_error_with_the_servers_words(
    tools: Any, status: int, kind: type[ModelRefused]
) -> None:
    body = json.dumps({"error": {"message": "no such luck", "type": "t"}})
    error = tools.talk(tools.answers(body, status), attempts=1).error
    assert type(error) is kind
    assert str(error) == f"openai:m: {status}: no such luck"
    assert error.status == status


def test_a_401_asks_for_the_key(tools: Any) -> None:
    error = tools.talk(tools.answers("{}", 401)).error
    assert error.hint.startswith("is OPENAI_API_KEY set")


def test_a_404_asks_for_the_models_name_and_the_address(tools: Any) -> None:
    error = tools.talk(tools.answers("{}", 404), "vllm:llama").error
    assert "'llama'" in error.hint
    assert "base_url" in error.hint


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "plain"}', "plain"),
        ('{"detail": [{"msg": "field required"}]}', "field required"),
        ('[{"error": {"message": "in a list"}}]', "in a list"),
        ("<html><title>502 Bad Gateway</title>…</html>", "an HTML page: 502 Bad Gateway"),
        ("just text\x1b[2J", "just text [2J"),
    ],
)
def test_an_error_body_of_any_shape_is_read(tools: Any, body: str, said: str) -> None:
    assert said in str(tools.talk(tools.answers(body, 502), attempts=1).error)


def test_an_error_without_a_body_is_its_status(tools: Any) -> None:
    assert str(tools.talk(tools.answers("", 500), attempts=1).error) == "openai:m: 500"


def test_an_error_body_is_shortened(tools: Any) -> None:
    error = tools.talk(tools.answers("x" * 1_000_000, 500), attempts=1).error
    assert len(str(error)) < 400


def test_an_empty_account_is_not_asked_again(tools: Any) -> None:
    body = json.dumps({"error": {"message": "no credit", "code": "insufficient_quota"}})
    heard = tools.talk(tools.answers(body, 429))
    assert isinstance(heard.error, ModelRefused)
    assert "credit" in heard.error.hint
    assert len(heard.bodies) == 1


def test_a_redirect_is_not_followed_with_our_key(tools: Any) -> None:
    moved = tools.answers("", 307, Location="http://127.0.0.1:1/elsewhere")
    error = tools.talk(moved, env={"OPENAI_API_KEY": KEY}).error
    assert isinstance(error, ModelRefused)
    assert "base_url" in error.hint


def test_a_page_instead_of_an_answer_is_refused_with_a_hint(tools: Any) -> None:
    page = tools.answers("<html><title>Sign in</title></html>", Content_Type="text/html")
    error = tools.talk(page).error
    assert isinstance(error, ModelRefused)
    assert "an HTML page: Sign in" in str(error)
    assert "base_url" in error.hint


# ----------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("status", [401, 500])
def test_a_key_that_the_server_says_back_is_hidden(tools: Any, status: int) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        text = f"bad: {request.headers['Authorization']}"
        return web.Response(text=text, status=status, headers={"Retry-After": "0"})

    heard = tools.talk(echo, env={"OPENAI_API_KEY": KEY}, attempts=2)
    assert "***" in str(heard.error)
    said = [str(heard.error), str(heard.error.hint), *(reason for reason, _ in heard.retries)]
    said += [str(span.attributes) for span in heard.spans]
    assert KEY not in " ".join(said)


def test_a_key_that_the_server_answers_is_hidden(tools: Any) -> None:
    pieces = [
        CHUNK.replace(b"hello", piece.encode()) for piece in ("it is ", KEY[:7], KEY[7:], "!")
    ]
    heard = tools.talk(tools.streams(*pieces, END, DONE), env={"OPENAI_API_KEY": KEY}, show=True)
    assert heard.reply.text == "it is ***!"
    assert "".join(heard.shown) == "it is ***!"


def test_userinfo_of_an_address_is_sent_but_never_shown(tools: Any) -> None:
    seen: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    heard = over_tcp(tools, speak, url="http://me:topsecret1@{}/v1")
    assert b"Authorization: Basic bWU6dG9wc2VjcmV0MQ==" in seen[0]
    assert "topsecret1" not in f"{heard.error} {heard.error.hint}"


# ----------------------------------------------------------------------------- connections


def test_nobody_listening_asks_whether_the_server_runs(tools: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        heard = tools.talk(None, "ollama:llama3.2", base_url=url, attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert str(heard.error) == f"ollama:llama3.2: no connection to {url}: Connection refused"
    assert heard.error.hint == f"is the server running at {url}?"
    assert heard.kinds == ["connect"]
    assert heard.spans[0].attributes["error"] == "ModelUnavailable"


def test_a_host_that_does_not_exist_asks_for_the_address(tools: Any) -> None:
    url = "http://no-such-host.invalid/v1"
    error = tools.talk(None, base_url=url, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert "no-such-host.invalid" in str(error)


def test_a_server_without_tls_is_not_asked_again(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    heard = over_tcp(tools, speak, url="https://{}/v1")
    assert isinstance(heard.error, ModelRefused)
    assert "no secure connection" in str(heard.error)


def test_a_server_that_never_answers_runs_into_the_timeout(tools: Any) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    error = tools.talk(never, timeout_s=0.05, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert str(error) == "openai:m: no complete answer within 50 ms"
    assert "timeout" in error.hint


def test_a_stream_that_stalls_runs_into_the_timeout_with_what_there_was(tools: Any) -> None:
    async def stalls(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(CHUNK)
        await asyncio.Event().wait()
        raise AssertionError

    assert tools.talk(stalls, timeout_s=0.1, attempts=1).error.partial == "hello"


@pytest.mark.parametrize("end", [b"", b"5\r\nab"])
def test_a_stream_that_dies_is_a_failure_with_what_there_was(tools: Any, end: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(chunked(CHUNK, end=False) + end)

    heard = over_tcp(tools, speak, attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert heard.error.partial == "hello"
    assert heard.kinds == ["connect", "ttft", "stream"]


def test_a_stream_that_breaks_after_its_end_broke_nothing(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(chunked(CHUNK, END, DONE, end=False))

    assert over_tcp(tools, speak, attempts=1).reply.text == "hello"


def test_a_server_that_never_closes_a_finished_stream_does_not_hold_the_answer(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(chunked(CHUNK, END, DONE, end=False))
        await reader.read()

    heard = over_tcp(tools, speak, attempts=1, timeout_s=60)
    assert heard.reply.text == "hello"


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", HEAD])
def test_garbage_instead_of_http_is_a_failure(tools: Any, said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)

    error = over_tcp(tools, speak, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert "the connection broke" in str(error)


def test_an_endless_line_is_a_failure(tools: Any) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(40):
            await response.write(b"x" * (1 << 18))
        return response

    error = tools.talk(endless, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert "more than" in str(error)


# ----------------------------------------------------------------------------- keep-alive


def test_a_connection_is_used_again(tools: Any) -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(chunked(CHUNK, END, DONE))

    heard = over_tcp(tools, speak, requests=5)
    assert len(heard.replies) == 5
    assert connections == 1
    assert heard.kinds == ["connect", *["ttft", "stream"] * 5]


def test_the_end_of_a_stream_is_waited_for_so_that_its_connection_lives_on(tools: Any) -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(chunked(CHUNK, END, DONE, end=False))
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")

    assert len(over_tcp(tools, speak, requests=5).replies) == 5
    assert connections == 1


def test_a_kept_connection_that_died_meanwhile_loses_no_call(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(chunked(CHUNK, END, DONE))
        await reader.read(1)  # the next request arrives, and the connection ends

    heard = over_tcp(tools, speak, requests=5, attempts=1)
    assert len(heard.replies) == 5
    assert heard.retries == []


def test_a_fresh_connection_that_dies_is_a_failure_at_once(tools: Any) -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)

    assert isinstance(over_tcp(tools, speak, attempts=1).error, ModelUnavailable)
    assert connections == 1


# ----------------------------------------------------------------------------- the rest


def test_a_cancelled_call_ends_its_spans_and_stays_cancelled(tools: Any) -> None:
    recorder = Recorder(RealClock())

    async def main() -> None:
        arrived = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            arrived.set()
            await reader.read()

        http = Http()
        async with listening(speak) as place:
            choice = ModelChoice(provider="openai", model="m", base_url=f"http://{place}/v1")
            model = build(choice, Shared(env={}, http=http))
            task = asyncio.create_task(model.generate(tools.ask(), tools.call(recorder)))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await http.aclose()

    asyncio.run(main())
    assert [(span.kind, span.attributes.get("error")) for span in recorder.spans] == [
        ("connect", None),
        ("ttft", "CancelledError"),
    ]


def test_the_phases_follow_each_other_without_overlap(tools: Any) -> None:
    heard = tools.talk(tools.streams(CHUNK, CHUNK, END, DONE))
    connect, ttft, stream = sorted(heard.spans, key=lambda span: span.id)
    assert heard.kinds == ["connect", "ttft", "stream"]
    assert connect.end <= ttft.start <= ttft.end <= stream.start <= stream.end
    assert connect.closed < ttft.id < ttft.closed < stream.id < stream.closed
    assert {connect.parent, ttft.parent, stream.parent} == {None}


def test_the_proxy_of_the_environment_is_used(tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(chunked(CHUNK, END, DONE))

    async def main() -> Any:
        async with listening(proxy) as place:
            monkeypatch.setenv("http_proxy", f"http://me:pw@{place}")
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            return await asyncio.to_thread(tools.talk, None, base_url="http://models.example/v1")

    assert asyncio.run(main()).reply.text == "hello"
    assert seen[0].startswith(b"POST http://models.example/v1/chat/completions")
    assert b"Proxy-Authorization: Basic bWU6cHc=" in seen[0]
