"""Waits its turn: for room in the minute, an open gate, a slot of the model and one of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import structs

from konseho_cli.core.errors import InvalidReply, ModelRefused, ModelUnavailable, NotAsked
from konseho_cli.core.slots import Slots
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.rates import Rates, Use
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
        await _take(self._slots, call, "max_concurrency")
        try:
            if call.on_sent:
                call.on_sent()
            call.account.requests += 1
            return await self._model.generate(request, call)
        finally:
            self._slots.release(by=call.scope.here)


class Throttled:
    """A model behind its own limits and what its server says of them, and behind the run's.

    Whoever waits for the minute or at the gate holds no slot, so it keeps nobody else waiting.
    """

    __slots__ = ("_model", "_service", "_slots")

    def __init__(self, model: Model, service: Service, slots: Slots | None) -> None:
        self._model = model
        self._service = service
        self._slots = slots

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, once it is its turn. Raises NotAsked where that comes too late."""
        if self._service.rates is None:
            return await self._in_turn(request, call, None)
        use = Use(self._service.expected(request).total)
        await self._rates.take(call, use)
        try:
            reply = await self._in_turn(request, call, use)
        except BaseException as error:
            if use.sent_at is None or getattr(error, "status", None) == 429:
                self._rates.give_back(use)  # it was not let in: it does not count there either
            raise
        self._rates.settle(use, reply.usage.total or use.tokens)
        return reply

    @property
    def _rates(self) -> Rates:
        assert self._service.rates is not None
        return self._service.rates

    async def _in_turn(self, request: Request, call: Call, use: Use | None) -> Reply:
        gate = self._service.gate
        while True:
            tries = gate.closed and await gate.enter(call)
            try:
                if not self._try_slots():
                    await self._take_slots(call)
            except BaseException:
                if tries:
                    gate.stay_closed()
                raise
            if self._may_go(request, use, tries=tries):
                break
            self._release_slots(call)  # something has changed in the meantime
            if tries:
                gate.stay_closed()
            if use is not None and not use.granted:
                await self._rates.take(call, use)
        try:
            return await self._ask(request, call, use, tries=tries)
        finally:
            self._release_slots(call)

    def _may_go(self, request: Request, use: Use | None, *, tries: bool) -> bool:
        if self._service.gate.closed and not tries:
            return False
        return use is None or self._rates.still_fits(use, self._service.expected(request).total)

    def _try_slots(self) -> bool:
        own, run = self._service.slots, self._slots
        if run is not None and run.taken >= run.capacity:
            return False
        if own is not None and not own.try_acquire():
            return False
        return run is None or run.try_acquire()

    async def _take_slots(self, call: Call) -> None:
        own, run = self._service.slots, self._slots
        if own is not None:
            await _take(own, call, f"concurrency of {self._service.name}")
        if run is None:
            return
        try:
            await _take(run, call, "max_concurrency")
        except BaseException:
            if own is not None:
                own.release(by=call.scope.here)
            raise

    def _release_slots(self, call: Call) -> None:
        own, run, here = self._service.slots, self._slots, call.scope.here
        if run is not None:
            run.release(by=here)
        if own is not None:
            own.release(by=here)

    async def _ask(self, request: Request, call: Call, use: Use | None, *, tries: bool) -> Reply:
        service = self._service
        attempt = _Attempt(service, call, tries=tries)
        try:
            attempt.send(use)
            own = structs.replace(call, on_headers=attempt.heard)
            reply = await self._model.generate(request, own)
        except NotAsked:
            attempt.learnt_nothing()
            raise
        except ModelUnavailable as error:
            service.failed(error, call.scope, tried=attempt.tries)
            if error.partial:
                call.account.wasted += service.paid_for(request, error.partial)
            raise
        except (ModelRefused, InvalidReply):
            attempt.answered()
            raise
        except BaseException:
            attempt.learnt_nothing()
            raise
        service.note(reply.usage)
        attempt.answered()
        return reply


class _Attempt:
    """One request that goes out, and what it tells about its service."""

    __slots__ = ("_call", "_number", "_service", "tries")

    def __init__(self, service: Service, call: Call, *, tries: bool) -> None:
        self._service = service
        self._call = call
        self._number = 0
        self.tries = tries
        """Whether others wait for what it finds out."""

    def send(self, use: Use | None) -> None:
        """It goes out. Raises NotAsked where it must not any more."""
        call, now = self._call, asyncio.get_running_loop().time()
        if call.on_sent:
            call.on_sent()
        self._number = self._service.sent(now)
        call.account.requests += 1
        call.account.sent_at = now
        if use is not None and self._service.rates is not None:
            self._service.rates.send(use)

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Its answer has begun: nobody needs to wait for the end of it."""
        if status == 200:  # a refusal says by itself how long to wait
            self._service.heard(self._number, headers)
            self._let_in()
        if self._call.on_headers:
            self._call.on_headers(status, headers)

    def answered(self) -> None:
        """It was answered."""
        self._service.answered(self._call.scope)
        self._let_in()

    def learnt_nothing(self) -> None:
        """It ended without a word of the server's."""
        if self.tries:
            self.tries = False
            self._service.gate.stay_closed()

    def _let_in(self) -> None:
        if self.tries:
            self.tries = False
            self._service.gate.open(self._call.scope.here)


async def _take(slots: Slots, call: Call, resource: str) -> None:
    await take(
        slots, call.scope, "queue.limit", call.priority, call.identity.step_id, resource=resource
    )
