from __future__ import annotations

import asyncio
from itertools import combinations
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.models.base import Call, Identity, Reply, Request
from konseho_cli.models.command import CommandRequest
from konseho_cli.models.workers import (
    MOST_PASSED,
    Durations,
    Queued,
    Waiting,
    Workers,
    clash,
    ready,
)
from konseho_cli.telemetry.spans import Recorder


class Job(NamedTuple):
    comes: float
    takes: float
    order: CommandRequest


JOBS = st.lists(
    st.builds(
        Job,
        st.integers(0, 6).map(float),
        st.integers(1, 5).map(float),
        st.builds(
            CommandRequest,
            argv=st.integers(0, 4).map(lambda number: ("program", str(number))),
            safe=st.booleans(),
            resources=st.lists(st.sampled_from(["db", "port", "disk"]), max_size=2).map(tuple),
            priority=st.integers(4, 6),
        ),
    ),
    min_size=1,
    max_size=14,
)


class Working:
    """Takes as long as it is told, and keeps when."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self.ran: dict[int, tuple[float, float]] = {}

    async def generate(self, request: Request, call: Call) -> Reply:
        loop, number = asyncio.get_running_loop(), call.identity.turn
        start = loop.time()
        await asyncio.sleep(self._jobs[number].takes)
        self.ran[number] = (start, loop.time())
        return Reply(text="", model="command:program")


def work(jobs: list[Job], workers: int) -> dict[int, tuple[float, float]]:
    """When each began and ended, in virtual seconds."""
    working = Working(jobs)

    async def main(loop: VirtualLoop) -> None:
        recorder = Recorder(loop)
        model = Queued(
            working, Workers(workers), lambda call: jobs[call.identity.turn].order, Durations()
        )

        async def one(number: int) -> None:
            await asyncio.sleep(jobs[number].comes)
            identity = Identity(step="s", agent="program", turn=number)
            call = Call(identity=identity, scope=recorder.root())
            await model.generate(Request(model="program", messages=()), call)

        await asyncio.gather(*(one(number) for number in range(len(jobs))))

    run_virtual(main)
    return working.ran


def of(job: Job) -> Waiting:
    order = job.order
    return Waiting(order=0, safe=order.safe, resources=frozenset(order.resources))


@settings(deadline=None)
@given(JOBS, st.integers(1, 4))
def test_all_run_and_no_two_that_clash_at_the_same_time(jobs: list[Job], workers: int) -> None:
    ran = work(jobs, workers)
    assert sorted(ran) == list(range(len(jobs)))
    for one, other in combinations(ran, 2):
        if clash(of(jobs[one]), of(jobs[other])):
            assert ran[one][1] <= ran[other][0] or ran[other][1] <= ran[one][0]
    for start, _ in ran.values():
        assert sum(begins <= start < ends for begins, ends in ran.values()) <= workers


WAITING = st.lists(
    st.builds(
        Waiting,
        order=st.integers(0, 99),
        safe=st.booleans(),
        resources=st.frozensets(st.sampled_from(["db", "port"]), max_size=2),
        priority=st.integers(0, 10),
        seconds=st.none() | st.floats(0, 100),
        passed=st.integers(0, MOST_PASSED + 2),
    ),
    max_size=8,
    unique_by=lambda each: each.order,
)


@given(WAITING, st.integers(1, 4))
def test_a_free_place_is_never_left_empty(waiting: list[Waiting], workers: int) -> None:
    chosen = ready([], waiting, workers)
    assert bool(chosen) == bool(waiting)
    assert len(chosen) <= workers
    assert not any(clash(one, other) for one, other in combinations(chosen, 2))


@given(WAITING, WAITING, st.integers(1, 4))
def test_nobody_starts_before_one_that_was_passed_too_often(
    running: list[Waiting], waiting: list[Waiting], workers: int
) -> None:
    chosen = ready(running, waiting, workers)
    overdue = sorted(
        (each for each in waiting if each.passed >= MOST_PASSED), key=lambda each: each.order
    )
    if overdue and chosen:
        assert chosen[0] is overdue[0]


def test_an_endless_stream_of_others_does_not_keep_one_waiting() -> None:
    """One after the other comes that may run beside those that run, and it may not."""
    alone = Job(0.5, 1.0, CommandRequest(argv=("alone",)))
    beside = [
        Job(float(number), 1.5, CommandRequest(argv=("beside",), safe=True)) for number in range(40)
    ]
    ran = work([alone, *beside], workers=4)
    assert sum(start < ran[0][0] for start, _ in list(ran.values())[1:] if start > 0.5) <= 2 * (
        MOST_PASSED
    )


def waiting(order: int, **fields: object) -> Waiting:
    return Waiting(order=order, safe=True, **fields)  # type: ignore[arg-type]


def test_the_fast_go_first_and_the_unknown_count_as_usual() -> None:
    slow, unknown, fast = waiting(0, seconds=9.0), waiting(1), waiting(2, seconds=1.0)
    middle = waiting(3, seconds=5.0)
    assert ready([], [slow, unknown, fast, middle], 9) == [fast, unknown, middle, slow]


def test_the_urgent_go_before_the_fast() -> None:
    urgent, fast = waiting(0, seconds=9.0, priority=1), waiting(1, seconds=1.0)
    assert ready([], [fast, urgent], 1) == [urgent]


def test_what_nobody_knows_goes_in_the_order_of_its_coming() -> None:
    first, second = waiting(0), waiting(1)
    assert ready([], [second, first], 9) == [first, second]


def test_who_stops_waiting_lets_the_others_go() -> None:
    """An unsafe one at the head, that gives up."""

    async def main(loop: VirtualLoop) -> float:
        workers, recorder = Workers(2), Recorder(loop)

        def call() -> Call:
            return Call(identity=Identity(step="s", agent="a"), scope=recorder.root())

        running = await workers.enter(waiting(0), call())
        alone = Waiting(order=0, safe=False, passed=MOST_PASSED)
        gives_up = asyncio.ensure_future(workers.enter(alone, call()))
        behind = asyncio.ensure_future(workers.enter(waiting(0), call()))
        await asyncio.sleep(1)
        assert not behind.done()
        gives_up.cancel()
        await behind
        workers.leave(running, by=0)
        return loop.time()

    assert run_virtual(main) == 1.0
