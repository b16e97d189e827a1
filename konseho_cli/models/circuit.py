"""A circuit breaker before a model: one that fails again and again is left alone for a while."""

from __future__ import annotations

import asyncio

from konseho_cli.core.errors import CircuitOpen, InvalidReply, ModelRefused, ModelUnavailable
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.service import Service


class Guarded:
    """A model that is asked as long as its circuit is closed."""

    __slots__ = ("_model", "_service")

    def __init__(self, model: Model, service: Service) -> None:
        self._model = model
        self._service = service

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises CircuitOpen at once where the model has failed too often."""
        breaker, clock = self._service.breaker, asyncio.get_running_loop().time
        started = clock()
        admitted = breaker.admit(started)
        if admitted is None:
            raise self._refusal(started)
        try:
            reply = await self._model.generate(request, call)
        except ModelUnavailable as error:
            if error.status == 429:
                breaker.told_nothing(admitted)
            else:
                breaker.failed(admitted, started, clock(), str(error))
            raise
        except (ModelRefused, InvalidReply):
            breaker.succeeded()  # the server is well: it says what it thinks of the request
            raise
        except BaseException:
            breaker.told_nothing(admitted)
            raise
        breaker.succeeded()
        return reply

    def _refusal(self, now: float) -> CircuitOpen:
        breaker, name = self._service.breaker, self._service.name
        wait_s = breaker.wait_s(now)
        when = (
            f"for {show_duration(wait_s)}" if wait_s else "before the one that tries it has ended"
        )
        last = breaker.last.removeprefix(f"{name}: ")
        return CircuitOpen(
            f"{name}: not asked {when}: {breaker.failures} requests in a row have failed, "
            f"the last one with: {last}",
            hint="a `fallback` model answers while one is down",
            retry_after_s=wait_s,
        )
