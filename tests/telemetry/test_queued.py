"""The queue between a run and who reads its events: bounded, ordered, honest about what is gone."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.telemetry.events import Event, StepProgressed, Warned
from konseho_cli.telemetry.queued import MOST, EventQueue


def events(first: int, count: int) -> list[Event]:
    return [StepProgressed(at=at, step="s", note=str(at)) for at in range(first, first + count)]


async def rest(queue: EventQueue) -> list[Event]:
    queue.close()
    return [event async for event in queue]


def test_a_hundred_thousand_events_that_nobody_reads_stay_within_the_bound() -> None:
    async def main() -> list[Event]:
        queue = EventQueue()
        for first in range(0, 100_000, 100):
            queue(events(first, 100))
            assert len(queue) <= MOST
        assert queue.dropped == 90_000
        assert queue.warnings == (
            "90,000 events were dropped: they came faster than they were read",
        )
        return await rest(queue)

    warned, *kept = asyncio.run(main())
    assert isinstance(warned, Warned)
    assert [event.at for event in kept] == list(range(90_000, 100_000))


def test_a_reader_that_keeps_up_gets_every_one_of_a_hundred_thousand() -> None:
    async def main() -> list[int]:
        queue, seen = EventQueue(), []

        async def read() -> None:
            async for event in queue:
                seen.append(event.at)  # noqa: PERF401 - one at a time is the point

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for first in range(0, 100_000, 1_000):
                queue(events(first, 1_000))
                await asyncio.sleep(0)
                assert len(queue) <= 1_000
            queue.close()
        assert queue.warnings == ()
        return seen

    assert asyncio.run(main()) == list(range(100_000))


def test_a_batch_larger_than_the_queue_leaves_its_newest() -> None:
    async def main() -> list[Event]:
        queue = EventQueue(3)
        queue(events(0, 2))
        queue(events(2, 8))
        assert queue.dropped == 7
        return await rest(queue)

    assert [event.at for event in asyncio.run(main())[1:]] == [7, 8, 9]


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 10))
def test_nothing_is_lost_without_being_counted_and_order_holds(moves: list[int], most: int) -> None:
    """A move is a batch of so many events, then one that is read where there is one."""

    async def main() -> None:
        queue, seen, made = EventQueue(most), [], 0
        for count in moves:
            queue(events(made, count))
            made += count
            if len(queue):
                seen.append(await anext(queue))
        seen += await rest(queue)
        warned = [event for event in seen if isinstance(event, Warned)]
        ats = [event.at for event in seen]
        assert ats == sorted(ats)
        assert len(seen) - len(warned) + queue.dropped == made
        assert len(warned) == (queue.dropped > 0)

    asyncio.run(main())
