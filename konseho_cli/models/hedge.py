"""Hedging: a request that is slow to begin is made once more, and who speaks first answers.

Dean and Barroso 2013, "The tail at scale": a second request after the 95th percentile costs 5 %
more requests at most, and cuts the tail. The first request runs in the caller's own task, so one
that needs no second costs next to nothing; where the second speaks first, the first is cancelled
there, as `asyncio.timeout` does it.
"""

from __future__ import annotations

import asyncio

from msgspec import structs

from konseho_cli.core.errors import KonsehoError, NotAsked
from konseho_cli.core.group import Group, being_cancelled
from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.service import Service


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
    """One or two requests for one answer: 0 is the first, 1 the second."""

    __slots__ = (
        "_call", "_cancelling", "_clock", "_first_is_over", "_leader", "_model", "_overtaken",
        "_request", "_second", "_sent", "_service", "_task", "_timer",
    )  # fmt: skip

    def __init__(self, model: Model, service: Service, request: Request, call: Call) -> None:
        self._clock = asyncio.get_running_loop().time
        self._model = model
        self._service = service
        self._request = request
        self._call = call
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._first_is_over = False
        self._sent: dict[int, float] = {}
        """When each request went out, on the loop's clock in seconds."""
        self._leader: int | None = None
        """Who spoke first."""
        self._overtaken = False
        """Whether the first was cancelled because the second spoke."""
        self._second: _Second | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> Reply:
        """Race to the end; the slower one is stopped as soon as the other speaks."""
        self._service.latencies.requests += 1
        own = structs.replace(
            self._call,
            on_text=lambda text: self.speaks(0, text),
            on_sent=lambda: self.goes_out(0),
        )
        try:
            reply = await self._model.generate(self._request, own)
        except asyncio.CancelledError:
            self._first_is_over = True
            if not self._overtaken or self._task.uncancel() > self._cancelling:
                raise  # somebody else cancels us
            return await self._by_second(None)
        except KonsehoError as error:
            self._first_is_over = True
            if self._leader == 0 or self._second is None:
                raise
            return await self._by_second(error)
        if self._leader is None:
            self._lead(0)
        return reply

    async def stop(self) -> None:
        """End what still runs."""
        if self._timer is not None:
            self._timer.cancel()
        if self._second is not None:
            await self._second.group.stop()
            if 1 not in self._sent:
                self._service.latencies.hedges -= 1  # it never came to its turn

    def goes_out(self, number: int) -> None:
        """A request is about to be made. Raises NotAsked where the other one has spoken."""
        if self._leader is not None:
            raise NotAsked("the other request has been answered")
        self._sent[number] = self._clock()
        if number == 1:
            self._call.account.hedges += 1
            return
        if self._call.on_sent:
            self._call.on_sent()
        limit_s = self._service.latencies.p95()
        if limit_s is not None:
            self._timer = asyncio.get_running_loop().call_later(limit_s, self._hedge)

    def speaks(self, number: int, text: str) -> None:
        """A piece of an answer."""
        if self._leader is None:
            self._lead(number)
        if self._leader == number and self._call.on_text:
            self._call.on_text(text)

    def finishes(self) -> bool:
        """The second has its answer; whether it is the one that counts."""
        if self._leader is None:
            self._lead(1)
        return self._leader == 1

    async def _by_second(self, error: KonsehoError | None) -> Reply:
        """What the second comes to; where it fails without a word, the first one's error is raised."""
        second = self._second
        assert second is not None
        with self._call.scope.span("barrier", branches=1) as barrier:
            barrier.waker = await second.over
        if second.reply is not None:
            return second.reply
        if error is None or self._leader == 1:  # part of the second's answer may have been shown
            error = second.error
        raise error or NotAsked("neither request was answered")

    def _hedge(self) -> None:
        latencies = self._service.latencies
        if self._leader is not None or not latencies.may_hedge():
            return
        if self._call.admit is not None:
            try:
                self._call.admit()
            except KonsehoError:
                return
        latencies.hedges += 1
        self._second = _Second(self, self._model, self._request, self._call)

    def _lead(self, number: int) -> None:
        """The first word: from here on this one is the answer, and the other was in vain."""
        self._leader = number
        started = self._sent.get(number)
        if started is not None:
            self._service.latencies.observe(self._clock() - started)
        if self._timer is not None:
            self._timer.cancel()
        second = self._second
        if number == 0 and second is not None:
            second.task.cancel()
            if 1 in self._sent and not second.over.done():
                self._waste()
        elif number == 1 and not self._first_is_over:
            self._waste()
            self._overtaken = True
            self._task.cancel()

    def _waste(self) -> None:
        self._call.account.wasted += self._service.paid_for(self._request, "")


class _Second:
    """The second request, in a task of its own; its spans hang under what the first was doing."""

    def __init__(self, race: _Race, model: Model, request: Request, call: Call) -> None:
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The span that ended it."""
        self.reply: Reply | None = None
        self.error: KonsehoError | None = None
        own = structs.replace(
            call,
            identity=structs.replace(call.identity, hedge=1),
            scope=call.scope.branch(),
            on_text=lambda text: race.speaks(1, text),
            on_sent=lambda: race.goes_out(1),
        )
        self.group = Group()
        self.task = self.group.start(self._contend(race, model, request, own))

    async def _contend(self, race: _Race, model: Model, request: Request, own: Call) -> None:
        try:
            reply = await model.generate(request, own)
            if race.finishes():
                self.reply = reply
        except KonsehoError as error:
            self.error = error
        except BaseException as error:
            if being_cancelled():
                raise
            self.over.set_exception(error)
            return
        self.over.set_result(own.scope.latest)
