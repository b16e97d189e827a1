"""What the client tests share: calls, scripted models, ugly servers and independent ones."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import KonsehoError
from konseho_cli.models.base import Account, Call, Identity, Message, Model, Reply, Request
from konseho_cli.models.http import Http
from konseho_cli.models.registry import PROVIDERS, ModelChoice, parse_model_name
from konseho_cli.models.service_state import ServiceState
from konseho_cli.models.stack import Shared, build
from konseho_cli.telemetry.spans import Recorder, Span

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVERS = Path(__file__).resolve().parent.parent / "servers"
GGUF = Path(__file__).resolve().parent.parent / "data" / "tiny-random.gguf"


def ask(text: str = "hello", **fields: Any) -> Request:
    return Request(model=fields.pop("model", "m"), messages=(Message("user", text),), **fields)


def a_call(recorder: Recorder | None = None, agent: str = "a", **fields: Any) -> Call:
    scope = (recorder or Recorder(RealClock())).root()
    return Call(identity=Identity(step="s", agent=agent), scope=scope, **fields)


@dataclass
class Scripted:
    """A model that replies or raises what it is told to, in turn, and notes what it was asked."""

    script: Sequence[str | Exception]
    name: str = "scripted:m"
    requests: list[Request] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    async def generate(self, request: Request, call: Call) -> Reply:
        self.requests.append(request)
        self.calls.append(call)
        said = self.script[min(len(self.calls), len(self.script)) - 1]
        if isinstance(said, Exception):
            raise said
        return Reply(text=said, model=self.name)


@dataclass
class Heard:
    """What came of a conversation with a server."""

    replies: list[Reply]
    errors: list[KonsehoError]
    spans: list[Span]
    shown: list[str]
    """Pieces that were handed to `on_text`."""
    retries: list[tuple[str, float]]
    bodies: list[dict[str, Any]]
    headers: list[dict[str, str]]
    services: list[ServiceState] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    @property
    def reply(self) -> Reply:
        assert not self.errors, self.errors
        return self.replies[0]

    @property
    def error(self) -> KonsehoError:
        assert not self.replies, self.replies
        return self.errors[0]

    @property
    def kinds(self) -> list[str]:
        return [span.kind for span in sorted(self.spans, key=lambda span: span.id)]


def talk(
    handler: Handler | None,
    model: str = "openai:m",
    *,
    base_url: str | None = None,
    env: dict[str, str] | None = None,
    requests: Sequence[Request] = (),
    show: bool = False,
    at_once: bool = False,
    http: Http | None = None,
    **choice: Any,
) -> Heard:
    """Ask a server of our own (or the one at `base_url`), each request after the other."""
    provider, name = parse_model_name(model)
    heard = Heard([], [], [], [], [], [], [])
    recorder = Recorder(RealClock())
    heard.spans = recorder.spans

    async def one(answers: Model, request: Request, number: int) -> None:
        call = a_call(recorder, agent=f"a{number}")
        call.on_text = heard.shown.append if show else None
        heard.accounts.append(call.account)
        call.on_retry = lambda reason, wait_s: heard.retries.append((reason, wait_s))
        try:
            heard.replies.append(await answers.generate(request, call))
        except KonsehoError as error:
            heard.errors.append(error)

    async def all_of_them(url: str) -> None:
        client = http or Http()
        chosen = ModelChoice(provider=provider, model=name, base_url=url, **choice)
        named = {
            PROVIDERS[provider].base_url_env: url
        }  # a server that only a file names gets no key
        shared = Shared(env={**named, **(env or {})}, http=client)
        answers = build(chosen, shared)
        try:
            asked = [one(answers, each, i) for i, each in enumerate(requests or [ask(model=name)])]
            if at_once:
                await asyncio.gather(*asked)
            else:
                for each in asked:
                    await each
        finally:
            await client.aclose()
            now = asyncio.get_running_loop().time()
            heard.services = [service.state(now) for service in shared.services.values()]

    async def main() -> None:
        if handler is None:
            assert base_url is not None
            await all_of_them(base_url)
        else:
            await _with_server(handler, heard, all_of_them)

    asyncio.run(main())
    return heard


async def _with_server(
    handler: Handler, heard: Heard, use: Callable[[str], Awaitable[None]]
) -> None:
    async def noted(request: web.Request) -> web.StreamResponse:
        heard.bodies.append(await request.json())
        heard.headers.append(dict(request.headers))
        return await handler(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", noted)
    runner = web.AppRunner(app, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        await use(f"http://{host}:{port}/v1")
    finally:
        await runner.cleanup()


def streams(*pieces: bytes, dies: bool = False) -> Handler:
    """A handler that streams these bytes, each written for itself."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        if dies:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write_eof()
        return response

    return handle


def in_turn(*handlers: Handler) -> Handler:
    """A handler that is another one at each request; the last one stays."""
    queue = deque(handlers)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await (queue.popleft() if len(queue) > 1 else queue[0])(request)

    return handle


def answers(body: str | bytes, status: int = 200, **headers: str) -> Handler:
    """A handler that answers a body and is done."""
    named = {"Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = body.encode() if isinstance(body, str) else body

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, status=status, headers=named)

    return handle


Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request, head and body."""
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


def over_tcp(speak: Speak, requests: int = 1, url: str = "http://{}/v1", **choice: Any) -> Heard:
    """Talk to such a server from another thread, and so from another loop."""

    async def main() -> Heard:
        async with listening(speak) as place:
            asked = [ask()] * requests
            return await asyncio.to_thread(
                talk, None, base_url=url.format(place), requests=asked, **choice
            )

    return asyncio.run(main())


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """A streamed answer as bytes, each piece in a chunk of its own."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + body + (b"0\r\n\r\n" if end else b"")


class Toolbox:
    """Everything above, for tests that cannot import from a conftest."""

    ask = staticmethod(ask)
    call = staticmethod(a_call)
    talk = staticmethod(talk)
    streams = staticmethod(streams)
    in_turn = staticmethod(in_turn)
    answers = staticmethod(answers)
    listening = staticmethod(listening)
    over_tcp = staticmethod(over_tcp)
    read_request = staticmethod(read_request)
    chunked = staticmethod(chunked)
    Scripted = Scripted


@pytest.fixture(scope="session")
def tools() -> type[Toolbox]:
    return Toolbox


def _missing(reason: str) -> None:
    """Skips where a server is not installed; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI is set")
    pytest.skip(reason)


@contextmanager
def _running(command: list[str], env: dict[str, str] | None = None) -> Iterator[str]:
    """A server as a child process; yields the address that it says it listens on."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            if found:
                break
        else:
            pytest.fail(f"{command[0]} did not start:\n{''.join(said)}")
        # a full pipe would stop the server in the middle of its log
        drain = threading.Thread(target=deque, args=(process.stdout, 0))
        drain.start()
        yield found[1]
    finally:
        process.kill()
        process.wait()
    drain.join()
    process.stdout.close()


AIMOCK_KEY = "test-key-of-the-independent-server"


@pytest.fixture(scope="session")
def aimock() -> Iterator[str]:
    """The Node server of tests/servers: OpenAI's and Anthropic's APIs."""
    node = shutil.which("node")
    script = SERVERS / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if node is None:
        _missing("node is not installed")
    if not script.exists():
        _missing("tests/servers/node_modules is not there: run `npm ci` in tests/servers")
    fixtures = str(SERVERS / "fixtures")
    command = [str(node), str(script), "-p", "0", "-f", fixtures, "--journal-max", "100"]
    with _running(command, env={**os.environ, "AIMOCK_API_KEYS": AIMOCK_KEY}) as address:
        yield address


@pytest.fixture(scope="session")
def llama() -> Iterator[str]:
    """llama.cpp on a tiny random model."""
    try:
        import xllamacpp  # noqa: F401
    except ImportError:
        _missing("xllamacpp is not installed: pip install xllamacpp")
    command = [sys.executable, str(SERVERS / "llama_server.py"), str(GGUF)]
    with _running(command) as address:
        yield address
