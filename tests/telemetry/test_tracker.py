from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest

from konseho_cli.telemetry.timings import INSIDE, Timing, Timings
from konseho_cli.telemetry.tracker import Tracker


class Hand:
    """A clock that is moved by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def tracker(clock: Hand) -> Tracker:
    return Tracker(clock)


@pytest.fixture
def run(clock: Hand) -> Iterator[Timings]:
    """Within a run."""
    timings = Timings(clock)
    INSIDE.set(timings)
    yield timings
    INSIDE.set(None)


def only(timings: tuple[Timing, ...]) -> Timing:
    (timing,) = timings
    return timing


def test_a_function_is_timed_by_its_name_and_stays_what_it_was(
    tracker: Tracker, clock: Hand
) -> None:
    @tracker.track
    def work(took: int) -> int:
        """Work."""
        clock.at += took
        return took

    assert [work(3), work(took=5)] == [3, 5]
    assert (work.__name__, work.__doc__) == ("work", "Work.")
    timing = only(tracker.timings())
    assert (timing.name, timing.count, timing.total_s) == ("work", 2, 8e-9)


def test_an_error_counts_and_goes_on_its_way(tracker: Tracker, clock: Hand) -> None:
    @tracker.track("failing")
    def fail() -> None:
        clock.at += 7
        raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(asyncio.CancelledError), tracker.track("failing"):
        raise asyncio.CancelledError
    timing = only(tracker.timings())
    assert (timing.count, timing.errors, timing.total_s) == (2, 1, 7e-9)


def test_blocks_may_stand_within_each_other(tracker: Tracker, clock: Hand) -> None:
    @tracker.track
    def deep(depth: int) -> None:
        clock.at += 1
        if depth:
            deep(depth - 1)

    with tracker.track("outer"):
        clock.at += 10
        deep(2)
    outer, inner = tracker.timings()
    assert (outer.name, outer.total_s) == ("outer", 13e-9)
    assert (inner.count, inner.total_s, inner.max_s) == (3, 6e-9, 3e-9)


def test_an_async_function_is_timed_with_all_that_it_waits_for(
    tracker: Tracker, clock: Hand
) -> None:
    @tracker.track
    async def wait(took: int) -> int:
        await asyncio.sleep(0)
        clock.at += took
        return took

    assert inspect.iscoroutinefunction(wait)
    assert asyncio.run(wait(4)) == 4
    assert only(tracker.timings()).total_s == 4e-9


def test_of_a_generator_each_piece_is_timed_without_who_reads_it(
    tracker: Tracker, clock: Hand
) -> None:
    @tracker.track
    def pieces() -> Iterator[int]:
        for piece in range(3):
            clock.at += 2
            yield piece

    for _ in pieces():
        clock.at += 100
    timing = only(tracker.timings())
    assert (timing.count, timing.errors, timing.total_s) == (3, 0, 6e-9)


def test_of_an_async_generator_too(tracker: Tracker, clock: Hand) -> None:
    @tracker.track
    async def pieces() -> AsyncIterator[int]:
        for piece in range(3):
            await asyncio.sleep(0)
            clock.at += 2
            yield piece

    async def read() -> list[int]:
        return [piece async for piece in pieces()]

    assert asyncio.run(read()) == [0, 1, 2]
    assert only(tracker.timings()).total_s == 6e-9


def test_a_generator_still_takes_what_is_sent_and_thrown(tracker: Tracker) -> None:
    @tracker.track
    def echo() -> Iterator[object]:
        said = yield "ready"
        try:
            yield said
        except KeyError:
            yield "caught"

    generator = echo()
    assert next(generator) == "ready"
    assert generator.send("hello") == "hello"  # type: ignore[attr-defined]
    assert generator.throw(KeyError("x")) == "caught"  # type: ignore[attr-defined]
    generator.close()  # type: ignore[attr-defined]
    assert only(tracker.timings()).errors == 0


def test_what_is_inside_of_a_run_lands_there_too(
    tracker: Tracker, clock: Hand, run: Timings
) -> None:
    with tracker.track("inside"):
        clock.at += 5
    INSIDE.set(None)
    with tracker.track("outside"):
        clock.at += 9
    assert [timing.name for timing in tracker.timings()] == ["outside", "inside"]
    assert only(run.all()).name == "inside"


def plain(tracker: Tracker, clock: Hand) -> None:
    with tracker.track("work"):
        clock.at += 5


def decorated(tracker: Tracker, clock: Hand) -> None:
    @tracker.track("work")
    def work() -> None:
        clock.at += 5

    work()


def in_a_coroutine(tracker: Tracker, clock: Hand) -> None:
    async def main() -> None:
        with tracker.track("work"):
            clock.at += 5

    asyncio.run(main())


def in_a_stack(tracker: Tracker, clock: Hand) -> None:
    with ExitStack() as stack:
        stack.enter_context(tracker.track("work"))
        clock.at += 5


@pytest.mark.parametrize(
    ("work", "held"), [(plain, 5), (decorated, 5), (in_a_coroutine, 0), (in_a_stack, 0)]
)
def test_only_what_cannot_have_waited_is_said_to_have_held_the_loop(
    work: Callable[[Tracker, Hand], None], held: int, tracker: Tracker, clock: Hand, run: Timings
) -> None:
    work(tracker, clock)
    assert only(run.all()).held_s == held / 1e9
    assert only(run.all()).total_s == 5e-9


def test_another_thread_holds_no_loop(tracker: Tracker, clock: Hand, run: Timings) -> None:
    asyncio.run(asyncio.to_thread(plain, tracker, clock))  # type: ignore[arg-type]
    timing = only(run.all())
    assert (timing.total_s, timing.held_s) == (5e-9, 0)


def test_it_prints_as_a_table(tracker: Tracker, clock: Hand) -> None:
    assert str(tracker) == "nothing was tracked yet"
    for took in (1_500_000_000, 400):
        with tracker.track("parse"):
            clock.at += took
    head, line = str(tracker).splitlines()
    assert head.split() == ["count", "errors", "total", "average", "min", "max", "p95"]
    assert line == "parse      2       0  1.5 s   750 ms  400 ns  1.5 s  1.5 s"
    assert len(head) == len(line)
    tracker.reset()
    assert tracker.timings() == ()
