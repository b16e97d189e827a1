"""A circuit breaker before a model: one that fails again and again is left alone for a while."""

from __future__ import annotations

import asyncio

from konseho_cli.core.errors import (
    InvalidReply,
    ModelRefused,
    ModelUnavailable,
    NotAsked,
)
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
        service, clock = self._service, asyncio.get_running_loop().time
        breaker, started = service.breaker, clock()
        admitted = breaker.admit(started)
        if admitted is None:
            raise service.refusal(started)
        try:
            reply = await self._model.generate(request, call)
        except NotAsked:
            breaker.told_nothing(admitted)
            raise
        except ModelUnavailable as error:
            if error.status == 429:
                breaker.told_nothing(admitted)
            else:
                sent_at = call.account.sent_at  # who waited for its turn was not under way yet
                breaker.failed(admitted, max(started, sent_at), clock(), str(error))
            raise
        except (ModelRefused, InvalidReply):
            breaker.succeeded()  # the server is well: it says what it thinks of the request
            raise
        except BaseException:
            breaker.told_nothing(admitted)
            raise
        breaker.succeeded()
        return reply
