from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiohttp import web

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.models.http import Http
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build
from konseho_cli.telemetry.spans import Recorder

CHUNK = b'data: {"object":"x","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
END = b'data: {"object":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


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

    heard = tools.over_tcp(speak, url="https://{}/v1")
    assert isinstance(heard.error, ModelRefused)
    assert "no secure connection" in str(heard.error)
    assert "Cannot connect" not in str(heard.error)


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
        await tools.read_request(reader)
        writer.write(tools.chunked(CHUNK, end=False) + end)

    heard = tools.over_tcp(speak, attempts=1)
    assert isinstance(heard.error, ModelUnavailable)
    assert heard.error.partial == "hello"
    assert heard.kinds == ["connect", "ttft", "stream"]


def test_a_stream_that_breaks_after_its_end_broke_nothing(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tools.read_request(reader)
        writer.write(tools.chunked(CHUNK, END, DONE, end=False))

    assert tools.over_tcp(speak, attempts=1).reply.text == "hello"


def test_a_server_that_never_closes_a_finished_stream_does_not_hold_the_answer(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tools.read_request(reader)
        writer.write(tools.chunked(CHUNK, END, DONE, end=False))
        await reader.read()

    heard = tools.over_tcp(speak, attempts=1, timeout_s=60)
    assert heard.reply.text == "hello"


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", HEAD])
def test_garbage_instead_of_http_is_a_failure(tools: Any, said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tools.read_request(reader)
        writer.write(said)

    error = tools.over_tcp(speak, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert "the connection broke" in str(error)
    assert "400" not in str(error)  # what aiohttp makes of it; nobody sent that


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (b"nonsense\r\n\r\n", "what came is not HTTP: Bad status line"),
        (HEAD + b"Content-Length: x\r\n\r\n", "Invalid character in Content-Length"),
        (HEAD + b"Content-Length: 9\r\n\r\nx", "Not enough data"),
        (HEAD + b"Content-Le", "the server hung up"),
    ],
)
def test_a_broken_connection_is_told_without_the_librarys_own_words(
    tools: Any, said: bytes, what: str
) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tools.read_request(reader)
        writer.write(said)

    error = str(tools.over_tcp(speak, attempts=1).error)
    assert what in error
    assert not any(noise in error for noise in ("400", "message", "url=", "Raw", "\n"))


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
            await tools.read_request(reader)
            writer.write(tools.chunked(CHUNK, END, DONE))

    heard = tools.over_tcp(speak, requests=5)
    assert len(heard.replies) == 5
    assert connections == 1
    assert heard.kinds == ["connect", *["ttft", "stream"] * 5]


def test_the_end_of_a_stream_is_waited_for_so_that_its_connection_lives_on(tools: Any) -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await tools.read_request(reader)
            writer.write(tools.chunked(CHUNK, END, DONE, end=False))
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")

    assert len(tools.over_tcp(speak, requests=5).replies) == 5
    assert connections == 1


def test_a_kept_connection_that_died_meanwhile_loses_no_call(tools: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tools.read_request(reader)
        writer.write(tools.chunked(CHUNK, END, DONE))
        await reader.read(1)  # the next request arrives, and the connection ends

    heard = tools.over_tcp(speak, requests=5, attempts=1)
    assert len(heard.replies) == 5
    assert heard.retries == []


def test_a_fresh_connection_that_dies_is_a_failure_at_once(tools: Any) -> None:
    connections = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await tools.read_request(reader)

    assert isinstance(tools.over_tcp(speak, attempts=1).error, ModelUnavailable)
    assert connections == 1


# ----------------------------------------------------------------------------- the rest


def test_a_cancelled_call_ends_its_spans_and_stays_cancelled(tools: Any) -> None:
    recorder = Recorder(RealClock())

    async def main() -> None:
        arrived = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await tools.read_request(reader)
            arrived.set()
            await reader.read()

        http = Http()
        async with tools.listening(speak) as place:
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
