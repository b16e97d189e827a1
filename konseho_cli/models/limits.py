"""Waits its turn: for a slot of the run and of the model, for room in the minute, for an open gate."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from konseho_cli.core.errors import InvalidReply, ModelRefused, ModelUnavailable
from konseho_cli.core.slots import Slots
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.service import Service
from konseho_cli.telemetry.waiting import take


class Limited:
    """A model behind the run's `max_concurrency`; waiting for a slot is a span."""

    __slots__ = ("_model", "_slots")

    def __init__(self, model: Model, slots: Slots) -> None:
        self._model = model
        self._slots = slots

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, once there is a slot."""
        await take_run_slot(self._slots, call)
        try:
            call.account.requests += 1
            if call.on_sent:
                call.on_sent()
            return await self._model.generate(request, call)
        finally:
            self._slots.release(by=call.scope.here)


class Throttled:
    """A model behind its own limits and what its server says of them, and behind the run's."""

    __slots__ = ("_model", "_service", "_slots")

    def __init__(self, model: Model, service: Service, slots: Slots | None) -> None:
        self._model = model
        self._service = service
        self._slots = slots

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, once it is its turn. Raises ModelUnavailable where the turn comes too late."""
        slots = self._service.slots
        if slots is None:
            return await self._in_turn(request, call)
        if not slots.try_acquire():
            await take(
                slots, call.scope, "queue.limit", call.priority, call.identity.step,
                resource="concurrency", model=self._service.name,
            )  # fmt: skip
        try:
            return await self._in_turn(request, call)
        finally:
            slots.release(by=call.scope.here)

    async def _in_turn(self, request: Request, call: Call) -> Reply:
        rates = self._service.rates
        if rates is None:
            if self._slots is None and not self._service.gate.closed:
                return await self._ask(request, call, tried=False)  # as mostly: no wait at all
            return await self._with_slot(request, call)
        use = await rates.take(call, self._service.expected(request).total)
        try:
            reply = await self._with_slot(request, call)
        except ModelUnavailable as error:
            if error.status == 429:
                rates.give_back(use)  # it was not let in, so it does not count there either
            raise
        rates.settle(use, reply.usage.total or use.tokens)
        return reply

    async def _with_slot(self, request: Request, call: Call) -> Reply:
        """Pass the gate, then take the run's slot: a closed gate must not hold what others need."""
        gate, slots = self._service.gate, self._slots
        while True:
            tried = gate.closed and await gate.enter(call)
            if slots is None:
                break
            try:
                if not slots.try_acquire():
                    await take_run_slot(slots, call)
            except BaseException:
                if tried:
                    gate.stay_closed()
                raise
            if tried or not gate.closed:
                break
            slots.release(by=call.scope.here)  # it closed in the meantime
        try:
            return await self._ask(request, call, tried=tried)
        finally:
            if slots is not None:
                slots.release(by=call.scope.here)

    async def _ask(self, request: Request, call: Call, *, tried: bool) -> Reply:
        service, scope, listener = self._service, call.scope, call.on_headers
        number = service.sent()
        call.account.requests += 1
        if call.on_sent:
            call.on_sent()

        def heard(status: int, headers: Mapping[str, str]) -> None:
            if status == 200:  # a refusal says by itself how long to wait
                service.heard(number, headers)
            if listener:
                listener(status, headers)

        try:
            reply = await self._model.generate(request, structs.replace(call, on_headers=heard))
        except ModelUnavailable as error:
            service.failed(error, tried=tried, by=scope.here)
            if error.partial:
                call.account.wasted += service.paid_for(request, error.partial)
            raise
        except (ModelRefused, InvalidReply):
            service.answered(tried=tried, by=scope.here)
            raise
        except BaseException:
            if tried:
                service.gate.stay_closed()
            raise
        service.note(reply.usage)
        service.answered(tried=tried, by=scope.here)
        return reply


async def take_run_slot(slots: Slots, call: Call) -> None:
    """Take one of `max_concurrency`."""
    await take(
        slots, call.scope, "queue.limit", call.priority, call.identity.step,
        resource="max_concurrency",
    )  # fmt: skip
