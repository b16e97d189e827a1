"""HTTP for a whole run: one session made at the first call, and limits whose waits are spans."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from konseho_cli.core.slots import Slots
from konseho_cli.models.base import Call
from konseho_cli.telemetry.waiting import take

if TYPE_CHECKING:
    from konseho_cli.models.endpoint import Endpoint
    from konseho_cli.models.reader import Reader
    from konseho_cli.models.transport import Transport

CONNECTIONS = 100
PER_HOST = 30
TOTAL_TIMEOUT_S = 600.0


class Http:
    """The one way to all servers; shared by all providers of a run, closed at its end."""

    __slots__ = ("_hosts", "_on_open", "_per_host", "_slots", "_transport", "wall")

    def __init__(
        self,
        *,
        connections: int = CONNECTIONS,
        per_host: int = PER_HOST,
        wall: Callable[[], float] = time.time,
        on_open: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_open` is called when the first call is certain."""
        self.wall = wall
        self._on_open = on_open
        self._slots = Slots(connections)
        self._per_host = per_host
        self._hosts: dict[str, Slots] = {}
        self._transport: Transport | None = None

    async def converse(
        self, endpoint: Endpoint, body: bytes, reader: Reader, call: Call, timeout_s: float
    ) -> None:
        """Post `body` and hand the answer to `reader`. Raises ModelError.

        `timeout_s`: seconds from the first byte to the last, waiting for a slot left out.
        """
        scope, origin = call.scope, endpoint.origin
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = Slots(self._per_host)
        flow = call.identity.step_id
        await take(
            host, scope, "queue.limit", call.priority, flow, resource="connections", host=origin
        )
        try:
            await take(
                self._slots, scope, "queue.limit", call.priority, flow, resource="connections"
            )
            try:
                transport = self._transport or self.open()
                await transport.converse(endpoint, body, reader, call, timeout_s)
            finally:
                self._slots.release(by=scope.here)
        finally:
            host.release(by=scope.here)

    def open(self) -> Transport:
        """Load the HTTP client and make the session; the first call does it too."""
        # aiohttp and ssl take a third of a second: only a run that calls a server pays for them
        from konseho_cli.models.transport import Transport

        if self._transport is None:
            self._on_open()
            self._transport = Transport(self.wall)
        return self._transport

    async def aclose(self) -> None:
        """Close all connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
