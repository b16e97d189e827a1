"""The same server on a bad day: of a hundred requests five go wrong and one is never answered.

`python -m konseho_cli.bench.flaky_server` prints its port. The chances are seeded.
"""

from __future__ import annotations

import asyncio
import random

from konseho_cli.bench.server import HEAD, REST, Server, serve

BUSY, CUT, TORN, HUNG = 0.02, 0.015, 0.015, 0.01
"""Shares of requests: a 503, a connection that is cut, a stream that breaks off, no answer."""

_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b'Content-Length: 30\r\n\r\n{"error":{"message":"flaky!"}}'
)


class FlakyServer(Server):
    """One connection of it."""

    chance = random.Random(0)

    def answer(self, transport: asyncio.Transport) -> None:
        """As `Server` does, mostly."""
        drawn = self.chance.random()
        if drawn < BUSY:
            transport.write(_UNAVAILABLE)
        elif drawn < BUSY + CUT:
            transport.abort()
        elif drawn < BUSY + CUT + TORN:
            transport.write(HEAD + REST[: len(REST) // 3])
            asyncio.get_running_loop().call_later(0.005, transport.abort)
        elif drawn >= BUSY + CUT + TORN + HUNG:
            super().answer(transport)


if __name__ == "__main__":
    asyncio.run(serve(FlakyServer))
