from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from konseho_cli.core.errors import ModelRefused, ModelUnavailable

CHUNK = b'data: {"object":"x","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
END = b'data: {"object":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
URL = "http://models.example/v1"


@pytest.fixture(autouse=True)
def _no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_the_proxy_of_the_environment_is_used(tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await tools.read_request(reader))
        writer.write(tools.chunked(CHUNK, END, DONE))

    async def main() -> Any:
        async with tools.listening(proxy) as place:
            monkeypatch.setenv("http_proxy", f"http://me:pw@{place}")
            return await asyncio.to_thread(tools.talk, None, base_url=URL)

    assert asyncio.run(main()).reply.text == "hello"
    assert seen[0].startswith(b"POST http://models.example/v1/chat/completions")
    assert b"Proxy-Authorization: Basic bWU6cHc=" in seen[0]


@pytest.mark.parametrize(
    "proxy",
    ["garbage://x", "socks5://host:1", "http://", "://", "http://...", f"http://{'a' * 300}",
     "http://host:99999", "http://[::1", "http://a\u200bb", "http://ключ:x@host:1",
     "garbage://me:topsecret@host", "http://me:topsecret@..."],
)  # fmt: skip
def test_a_proxy_that_cannot_be_called_is_refused_with_a_hint(
    tools: Any, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    error = tools.talk(None, base_url=URL).error
    assert isinstance(error, ModelRefused)
    assert "the proxy's address" in str(error)
    assert "HTTP_PROXY" in error.hint
    assert "topsecret" not in str(error)


def test_a_proxy_that_is_not_there_is_not_taken_for_the_server(
    tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{unused.getsockname()[1]}")
        error = tools.talk(None, base_url=URL, attempts=1).error
    assert isinstance(error, ModelUnavailable)
    assert str(error) == "openai:m: no connection to the proxy: Connection refused"
    assert "HTTP_PROXY" in error.hint


def test_a_proxy_that_refuses_says_with_what(tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n")

    async def main() -> Any:
        async with tools.listening(refuse) as place:
            monkeypatch.setenv("https_proxy", f"http://{place}")
            url = URL.replace("http:", "https:")
            return await asyncio.to_thread(tools.talk, None, base_url=url, attempts=1)

    error = asyncio.run(main()).error
    assert "the proxy answered 407: Proxy Authentication Required" in str(error)


@pytest.mark.parametrize("base", ["http://ho\\st/v1", "http://a\u200bb/v1"])
def test_a_host_that_only_the_client_refuses_is_refused(tools: Any, base: str) -> None:
    error = tools.talk(None, base_url=base).error
    assert isinstance(error, ModelRefused)
    assert "is not a URL" in str(error)
