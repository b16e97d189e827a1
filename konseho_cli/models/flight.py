"""Single-flight: identical requests in flight are one request, and all who asked get its answer."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import structs

from konseho_cli.core.errors import ModelError
from konseho_cli.models.base import Call, Model, Reply, Request, Usage
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.cache_key import Keying


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """How a flight ended."""

    by: int
    """The span of the call that made the request."""
    deadline: float | None
    """That call's own, on the loop's clock in seconds."""
    reply: Reply | None = None
    error: ModelError | None = None
    """With neither, its caller alone gave up: the next one asks."""


class Flight:
    """A request that is being made, and who waits for what becomes of it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[Landing]] = []

    async def landing(self) -> Landing:
        """Wait for its end. Who stops waiting disturbs nobody."""
        future: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return await future

    def end(self, landing: Landing) -> None:
        """Tell everybody, in the order in which they came."""
        for future in self._waiting:
            if not future.done():
                future.set_result(landing)


class SingleFlight:
    """A model that is asked once by all who ask the same at the same time.

    The first caller makes the request. Its answer is everybody's, and so is the model's failure;
    where only the caller gives up (it was cancelled, it ran out of time or of its own budget), the
    next in line makes the request.
    """

    __slots__ = ("_cache", "_caching", "_flights", "_model")

    def __init__(self, model: Model, cache: ResponseCache, caching: Keying) -> None:
        self._model = model
        self._cache = cache
        self._caching = caching
        self._flights: dict[bytes, Flight] = {}

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, by a request of its own or another's. Raises what the model raises."""
        key = call.key or self._caching.key(request, call)
        if key is None:
            return await self._model.generate(request, call)
        while (flight := self._flights.get(key)) is not None:
            with call.scope.span("queue.flight") as wait:
                landing = await flight.landing()
                wait.waker = landing.by
            if landing.error is not None and not _has_longer(call, landing):
                raise landing.error.retold(str(landing.error))  # an error has one traceback
            if landing.reply is not None:
                return self._shared(landing.reply, call)
        return await self._lead(key, request, call)

    async def _lead(self, key: bytes, request: Request, call: Call) -> Reply:
        flight = self._flights[key] = Flight()
        reply: Reply | None = None
        failure: ModelError | None = None
        try:
            reply = await self._model.generate(request, call)
            return reply
        except ModelError as error:
            failure = error
            raise
        finally:
            del self._flights[key]
            deadline = call.account.deadline or call.deadline
            flight.end(Landing(by=call.scope.here, deadline=deadline, reply=reply, error=failure))

    def _shared(self, reply: Reply, call: Call) -> Reply:
        self._cache.shared(reply)
        call.account.source, call.account.saved = "flight", reply.usage
        if call.on_text is not None and reply.text:
            call.on_text(reply.text)
        return structs.replace(reply, usage=Usage())


def _has_longer(call: Call, landing: Landing) -> bool:
    """Whether this call may wait longer than the one that failed, which may have failed for that."""
    return landing.deadline is not None and (
        call.deadline is None or call.deadline > landing.deadline
    )
