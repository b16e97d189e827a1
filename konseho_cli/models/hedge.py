"""Hedging: a request that is slow to begin is made once more, and who speaks first answers.

Dean and Barroso 2013, "The tail at scale": a second request after the 95th percentile costs 5 %
more requests at most, and cuts the tail.
"""

from __future__ import annotations

import asyncio

from msgspec import structs

from konseho_cli.core.errors import BudgetReached, KonsehoError
from konseho_cli.core.group import Group, being_cancelled
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.service import Service
from konseho_cli.telemetry.spans import Scope


class Hedged:
    """A model that is asked twice where it is slow."""

    __slots__ = ("_model", "_service")

    def __init__(self, model: Model, service: Service) -> None:
        self._model = model
        self._service = service

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer. Raises what the first request raised, where a second one did not help."""
        race = _Race(self._model, self._service, request, call)
        try:
            return await race.run()
        finally:
            await race.stop()


class _Race:
    """One or two requests for one answer."""

    def __init__(self, model: Model, service: Service, request: Request, call: Call) -> None:
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._call_later = loop.call_later
        self._model = model
        self._service = service
        self._request = request
        self._call = call
        self._runners: list[Group] = []
        self._sent: dict[int, float] = {}
        """When each request went out, on the loop's clock in seconds."""
        self._leader: int | None = None
        """Who spoke first."""
        self._errors: dict[int, KonsehoError] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._spoken: asyncio.Future[int] = loop.create_future()
        self._over: asyncio.Future[int] = loop.create_future()
        self._reply: Reply | None = None

    async def run(self) -> Reply:
        """Race to the end; the slower one is stopped as soon as the other speaks."""
        self._service.latencies.requests += 1
        self._start()
        scope = self._call.scope
        with scope.span("barrier", branches=2) as barrier:
            barrier.waker = await self._spoken
        for number, runner in enumerate(self._runners):
            if number != self._leader:
                await runner.stop()
        if not self._over.done():
            with scope.span("barrier", branches=1) as barrier:
                barrier.waker = await self._over
        if self._reply is None:
            raise self._errors[0]
        return self._reply

    async def stop(self) -> None:
        """End what still runs."""
        if self._timer is not None:
            self._timer.cancel()
        for runner in self._runners:
            await runner.stop()
        if len(self._runners) > max(1, len(self._sent)):
            self._service.latencies.hedges -= 1  # it never came to its turn

    def _start(self) -> None:
        number, runner = len(self._runners), Group()
        scope = self._call.scope.branch()
        own = structs.replace(
            self._call,
            identity=structs.replace(self._call.identity, hedge=number),
            scope=scope,
            on_text=lambda text: self._speaks(number, text, scope),
            on_sent=lambda: self._goes_out(number),
        )
        self._runners.append(runner)
        runner.start(self._contend(number, own))

    def _goes_out(self, number: int) -> None:
        self._sent[number] = self._clock()
        if number == 0:
            if self._call.on_sent:
                self._call.on_sent()
            limit_s = self._service.latencies.p95()
            if limit_s is not None:
                self._timer = self._call_later(limit_s, self._hedge)
        else:
            self._call.account.hedges += 1

    def _hedge(self) -> None:
        latencies = self._service.latencies
        if self._spoken.done() or not latencies.may_hedge():
            return
        if self._call.admit is not None:
            try:
                self._call.admit()
            except BudgetReached:
                return
        latencies.hedges += 1
        self._start()

    def _speaks(self, number: int, text: str, scope: Scope) -> None:
        if self._leader is None:
            self._lead(number, scope)
        if self._leader == number and self._call.on_text:
            self._call.on_text(text)

    def _lead(self, number: int, scope: Scope) -> None:
        """The first word: from here on this one is the answer, and the other was in vain."""
        self._leader = number
        started = self._sent.get(number)
        if started is not None:
            self._service.latencies.observe(self._clock() - started)
        if self._timer is not None:
            self._timer.cancel()
        for other in self._sent:
            if other != number and other not in self._errors:
                self._call.account.wasted += self._service.paid_for(self._request, "")
        if not self._spoken.done():
            self._spoken.set_result(scope.here)

    async def _contend(self, number: int, own: Call) -> None:
        try:
            reply = await self._model.generate(self._request, own)
        except KonsehoError as error:
            self._failed(number, error, own)
        except BaseException as error:
            if being_cancelled():
                raise
            self._break(error)
        else:
            if self._leader is None:
                self._lead(number, own.scope)
            if self._leader == number:
                self._reply = reply
                self._over.set_result(own.scope.latest)

    def _failed(self, number: int, error: KonsehoError, own: Call) -> None:
        self._errors[number] = error
        if self._leader == number:
            self._errors[0] = error  # part of its answer may have been shown
        elif self._leader is not None or len(self._errors) < len(self._runners):
            return  # another one may still answer
        for decided in (self._spoken, self._over):
            if not decided.done():
                decided.set_result(own.scope.latest)

    def _break(self, error: BaseException) -> None:
        awaited = self._over if self._spoken.done() else self._spoken
        if not awaited.done():
            awaited.set_exception(error)
