from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import InvalidReply, ModelError, ModelUnavailable
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Reply, Request, Usage
from konseho_cli.models.limits import Throttled
from konseho_cli.models.retry import Retried
from konseho_cli.models.service import Service
from konseho_cli.telemetry.spans import Recorder, Span

MINUTE = 60.0


class Server:
    """A model that takes a second, refuses while it is closed, and says what its script says."""

    def __init__(self, *, closed: Sequence[tuple[float, float]] = (), says: float | None = 1.0):
        self.closed = closed
        self.says = says
        self.starts: list[float] = []
        self.refused = 0
        self.at_once = self.most_at_once = 0
        self.headers: Mapping[str, str] = {}

    async def generate(self, request: Request, call: Call) -> Reply:
        now = asyncio.get_running_loop().time()
        self.starts.append(now)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if any(start <= now < end for start, end in self.closed):
                self.refused += 1
                await asyncio.sleep(0.01)
                raise ModelUnavailable("slow down", status=429, retry_after_s=self.says)
            with call.scope.span("ttft"):
                await asyncio.sleep(1)
            if call.on_headers:
                call.on_headers(200, self.headers)
            return Reply(text="x", model="p:m", usage=Usage(input_tokens=50, output_tokens=50))
        finally:
            self.at_once -= 1


class Crowd:
    """Many calls at once through retry and limits, in virtual time."""

    def __init__(
        self,
        server: Server,
        many: int,
        service: Service | None = None,
        slots: Slots | None = None,
        steps: Sequence[str] = ("s",),
    ) -> None:
        self.service = service or Service("p:m")
        self.errors: list[ModelUnavailable] = []
        self.ends: list[tuple[str, float]] = []
        self.spans: list[Span] = []

        async def main(loop: VirtualLoop) -> None:
            recorder = Recorder(loop)
            self.spans = recorder.spans
            model = Retried(Throttled(server, self.service, slots))

            async def one(number: int) -> None:
                step = steps[number * len(steps) // many]
                identity = Identity(step=step, agent=f"a{number}")
                try:
                    await model.generate(
                        Request(model="m", messages=()),
                        Call(identity=identity, scope=recorder.root()),
                    )
                except ModelUnavailable as error:
                    self.errors.append(error)
                self.ends.append((step, loop.time()))

            await asyncio.gather(*(one(number) for number in range(many)))
            self.took_s = loop.time()

        run_virtual(main)


def limited(**limits: Any) -> Service:
    service = Service("p:m")
    service.limit(limits.get("concurrency"), rpm=limits.get("rpm"), tpm=limits.get("tpm"))
    return service


def test_so_many_at_once_and_no_more() -> None:
    server = Server()
    crowd = Crowd(server, 10, limited(concurrency=3))
    assert server.most_at_once == 3
    assert crowd.took_s == 4
    waits = [span for span in crowd.spans if span.kind == "queue.limit"]
    assert len(waits) == 7
    assert all(wait.waker is not None for wait in waits)


def test_of_several_limits_the_strictest_counts() -> None:
    service = limited(concurrency=5, rpm=10)
    service.limit(3, rpm=20, tpm=1000)
    service.limit("auto", rpm=None, tpm=None)
    assert service.slots is not None
    assert service.rates is not None
    assert (service.slots.capacity, service.rates.rpm, service.rates.tpm) == (3, 10, 1000)


def test_requests_a_minute_hold() -> None:
    server = Server()
    crowd = Crowd(server, 5, limited(rpm=2))
    assert server.starts == [0, 0, 60, 60, 120]
    assert {span.kind for span in crowd.spans} == {"queue.rate", "ttft"}


def test_tokens_a_minute_count_what_was_used() -> None:
    server = Server()
    Crowd(server, 30, limited(tpm=1000, concurrency=1))
    minute = [start for start in server.starts if start < MINUTE]
    assert len(minute) == 10


def test_a_storm_of_429s_costs_few_requests_and_loses_none() -> None:
    server = Server(closed=[(5, 35)])
    crowd = Crowd(server, 1000, limited(concurrency="auto"))
    assert crowd.errors == []
    assert len(server.starts) == 1000 + server.refused
    assert server.refused <= 20 + 35  # those under way as it began, and one for each second of it
    assert crowd.service.state(0).throttled == server.refused
    assert crowd.service.slots is not None
    assert crowd.service.slots.capacity >= 16


def test_a_429_that_does_not_say_how_long_is_waited_for_longer_and_longer() -> None:
    server = Server(closed=[(5, 65)], says=None)
    crowd = Crowd(server, 200, limited(concurrency="auto"))
    assert crowd.errors == []
    assert server.refused <= 20 + 10


def test_what_the_server_still_allows_is_not_exceeded() -> None:
    """A server that counts 10 a minute and says so: after the first answers nobody is refused."""
    server = Server()
    server.headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "60s",
    }
    Crowd(server, 4, limited(concurrency=1))
    assert server.starts == [0, 7, 14, 21]  # one sixth of a minute's ten, after each answer


def test_steps_take_turns_at_the_slots() -> None:
    crowd = Crowd(Server(), 100, limited(concurrency=1), steps=("crowd", "few") * 1)
    first = [step for step, _ in crowd.ends[:10]]
    assert 4 <= first.count("few") <= 6


def test_a_closed_gate_holds_no_slot_of_the_run() -> None:
    async def main(loop: VirtualLoop) -> float:
        recorder, slots = Recorder(loop), Slots(1)
        gated = Service("p:gated")
        gated.gate.close(50)
        ask = Request(model="m", messages=())

        def call(step: str) -> Call:
            return Call(identity=Identity(step=step, agent="a"), scope=recorder.root())

        first = asyncio.ensure_future(Throttled(Server(), gated, slots).generate(ask, call("one")))
        await asyncio.sleep(0)
        await Throttled(Server(), Service("p:open"), slots).generate(ask, call("two"))
        ended = loop.time()
        await first
        return ended

    assert run_virtual(main) == 1


def test_what_broke_off_is_counted_as_paid_for() -> None:
    class Breaking:
        async def generate(self, request: Request, call: Call) -> Reply:
            raise ModelUnavailable("broke", partial="x" * 40)

    async def main(loop: VirtualLoop) -> Usage:
        call = Call(identity=Identity(step="s", agent="a"), scope=Recorder(loop).root())
        model = Throttled(Breaking(), Service("p:m"), None)
        with pytest.raises(ModelUnavailable):
            await model.generate(Request(model="m", messages=()), call)
        return call.account.wasted

    assert run_virtual(main) == Usage(output_tokens=10)


def test_nobody_is_forgotten_where_the_pause_ends_before_the_answer_of_the_one_that_tries() -> None:
    server = Server()  # answers after a second, and allows another request after half of one
    server.headers = {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }
    crowd = Crowd(server, 6, limited(concurrency=2))
    assert crowd.errors == []
    assert len(server.starts) == 6
    assert crowd.took_s < 12


class Moody:
    """A server that does with each request whatever is drawn for it."""

    def __init__(self, moods: Sequence[tuple[str, float]]) -> None:
        self.moods = moods
        self.asked = 0

    async def generate(self, request: Request, call: Call) -> Reply:
        mood, seconds = self.moods[self.asked % len(self.moods)]
        self.asked += 1
        await asyncio.sleep(seconds)
        if mood == "busy":
            raise ModelUnavailable("slow down", status=429, retry_after_s=seconds)
        if mood == "broken":
            raise ModelUnavailable("down", status=503)
        if mood == "empty":
            raise InvalidReply("empty")
        left = {"none left": "0", "few left": "2"}.get(mood)
        if left and call.on_headers:
            names = ("limit", "9"), ("remaining", left), ("reset", f"{seconds * 3}s")
            call.on_headers(200, {f"x-ratelimit-{name}-requests": said for name, said in names})
        return Reply(text="x", model="p:m", usage=Usage(input_tokens=5, output_tokens=5))


MOODS = st.tuples(
    st.sampled_from(["fine", "busy", "broken", "empty", "none left", "few left"]),
    st.sampled_from([0.0, 0.3, 1.0, 2.0]),
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(MOODS, min_size=1, max_size=12),
    st.sampled_from([1, 2, 7, "auto", None]),
    st.sampled_from([None, 20]),
    st.sampled_from([None, 2]),
    st.lists(st.floats(0, 20), max_size=4),
)
def test_whatever_the_server_does_nobody_waits_for_ever_and_every_slot_comes_back(
    moods: list[tuple[str, float]],
    concurrency: Any,
    rpm: int | None,
    slots: int | None,
    cancelled_at: list[float],
) -> None:
    service = limited(concurrency=concurrency, rpm=rpm)
    run_slots = None if slots is None else Slots(slots)
    model = Retried(Throttled(Moody(moods), service, run_slots))

    async def main(loop: VirtualLoop) -> list[Any]:
        recorder = Recorder(loop)
        calls = [
            Call(identity=Identity(step="s", agent=f"a{n}"), scope=recorder.root())
            for n in range(15)
        ]
        request = Request(model="m", messages=())
        tasks = [asyncio.ensure_future(model.generate(request, call)) for call in calls]
        for at, task in zip(cancelled_at, tasks, strict=False):
            loop.call_later(at, task.cancel)
        return await asyncio.gather(*tasks, return_exceptions=True)

    ends = run_virtual(main)  # a Deadlock, if somebody was forgotten
    assert all(isinstance(end, (Reply, ModelError, asyncio.CancelledError)) for end in ends)
    assert service.slots is None or service.slots.taken == 0
    assert run_slots is None or run_slots.taken == 0
