"""A server that streams the same chat completion to everybody, as cheaply as Python can.

Run as a process of its own, so that its work is not counted as a client's:
`python -m konseho_cli.bench.server` prints its port.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

WORDS = ("Start", " with", " the", " simplest", " thing", " that", " can", " work.")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _event(payload: object) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"data: {text}\n\n".encode()


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _delta(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _event({
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench",
        "choices": [choice],
    })  # fmt: skip


_USAGE = {"prompt_tokens": 20, "completion_tokens": len(WORDS), "total_tokens": 20 + len(WORDS)}
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
) + _chunked(_delta({"role": "assistant", "content": ""}))
REST = (
    b"".join(_chunked(_delta({"content": word})) for word in WORDS)
    + _chunked(_delta({}, "stop"))
    + _chunked(_event({
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench",
        "choices": [], "usage": _USAGE,
    }))
    + _chunked(_event("[DONE]"))
    + b"0\r\n\r\n"
)  # fmt: skip


class Server(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request: the first token now, the rest a turn of the loop later."""
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._pending[:end])
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._pending) < size or self._transport is None:
                return
            self._pending = self._pending[size:]
            self.answer(self._transport)

    def answer(self, transport: asyncio.Transport) -> None:
        """One request's whole answer."""
        transport.write(HEAD)
        asyncio.get_running_loop().call_soon(transport.write, REST)


async def serve(protocol: Callable[[], asyncio.Protocol] = Server) -> None:
    """Serve on a free port of the loopback until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
