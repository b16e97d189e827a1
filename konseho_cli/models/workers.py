"""Which programs run at the same time: as many as there are processors, and none that clash.

`ready` decides and is pure; `Workers` waits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from statistics import median_low

import msgspec

from konseho_cli.models.base import Call, Model, Reply, Request
from konseho_cli.models.command import CommandRequest

MOST_PASSED = 8
"""Programs that came later and may go first: then everybody waits for the one that waits."""


class Waiting(msgspec.Struct, kw_only=True):
    """A program that wants to run, or runs."""

    order: int
    """Of its coming."""
    safe: bool
    resources: frozenset[str] = frozenset()
    priority: int = 5
    seconds: float | None = None
    """That it took when it ran last; None: it never did."""
    passed: int = 0
    """Programs that came later and went first."""


def clash(one: Waiting, other: Waiting) -> bool:
    """Whether they must not run at the same time."""
    return not (one.safe and other.safe) or bool(one.resources & other.resources)


def ready(running: Sequence[Waiting], waiting: Sequence[Waiting], workers: int) -> list[Waiting]:
    """Who may start now: the urgent first, then the fast, then who came first.

    One that has never run counts as the median of those that have. One that was passed over too
    often goes before all, and nobody starts until it can.
    """
    known = [each.seconds for each in waiting if each.seconds is not None]
    usual = median_low(known) if known else 0.0

    def rank(each: Waiting) -> tuple[float, ...]:
        overdue = each.passed >= MOST_PASSED
        seconds = usual if each.seconds is None else each.seconds
        return (0, each.order) if overdue else (1, each.priority, seconds, each.order)

    busy, chosen = list(running), list[Waiting]()
    for each in sorted(waiting, key=rank):
        if len(busy) >= workers:
            break
        if not any(clash(each, other) for other in busy):
            busy.append(each)
            chosen.append(each)
        elif each.passed >= MOST_PASSED:
            break
    return chosen


class Workers:
    """The places for the programs of one run."""

    def __init__(self, count_: int | None = None) -> None:
        """`count_`: how many there are; None: one for each processor."""
        self.count = count_ or os.cpu_count() or 1
        self._order = count()
        self._running: list[Waiting] = []
        self._waiting: list[tuple[Waiting, asyncio.Future[int]]] = []

    async def enter(self, place: Waiting, call: Call) -> Waiting:
        """Wait until it may run; the wait is a span that knows who let it go."""
        place.order = next(self._order)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        entry = (place, future)
        self._waiting.append(entry)
        try:
            await asyncio.sleep(0)  # whoever comes at the same moment is looked at together
            self._start(by=0)
            if future.done():
                return place
            with call.scope.span("queue.limit", resource="programs") as span:
                span.waker = await future
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._start(by=call.scope.latest)  # it may have been what the others waited for
            else:
                self.leave(place, by=call.scope.latest)
            raise
        return place

    def leave(self, place: Waiting, *, by: int) -> None:
        """It has ended; `by`: the span in which it ran."""
        self._running = [each for each in self._running if each is not place]
        self._start(by)

    def _start(self, by: int) -> None:
        chosen = ready(self._running, [place for place, _ in self._waiting], self.count)
        for place in chosen:
            entry = next(each for each in self._waiting if each[0] is place)
            self._waiting.remove(entry)
            self._running.append(place)
            for other, _ in self._waiting:
                other.passed += other.order < place.order
            if not entry[1].done():
                entry[1].set_result(by)


class Queued:
    """A model in front of which programs wait for their turn."""

    __slots__ = ("_durations", "_model", "_order_of", "_workers")

    def __init__(
        self,
        model: Model,
        workers: Workers,
        order_of: Callable[[Call], CommandRequest],
        durations: Durations,
    ) -> None:
        self._model = model
        self._workers = workers
        self._order_of = order_of
        self._durations = durations

    async def generate(self, request: Request, call: Call) -> Reply:
        """Answer, in its turn. Raises what the model raises."""
        order = self._order_of(call)
        loop = asyncio.get_running_loop()
        place = await self._workers.enter(
            Waiting(
                order=0, safe=order.safe, resources=frozenset(order.resources),
                priority=order.priority, seconds=self._durations.of(order),
            ),
            call,
        )  # fmt: skip
        start = loop.time()
        try:
            reply = await self._model.generate(request, call)
            self._durations.note(order, loop.time() - start)
            return reply
        finally:
            self._workers.leave(place, by=call.scope.latest)


class Durations:
    """How long programs took, by their command lines."""

    def __init__(self) -> None:
        self.known: Mapping[str, float] = {}
        """Of runs before this one."""
        self.new: dict[str, float] = {}
        """Of this run."""

    def of(self, order: CommandRequest) -> float | None:
        """Seconds; None: it never ran."""
        key = _key(order)
        return self.new.get(key, self.known.get(key))

    def note(self, order: CommandRequest, seconds: float) -> None:
        """It ran to its end."""
        self.new[_key(order)] = seconds


def _key(order: CommandRequest) -> str:
    from hashlib import blake2b  # a run without programs has no use for it

    return blake2b(repr((order.argv, order.cwd)).encode("utf-8", "replace")).hexdigest()[:32]
