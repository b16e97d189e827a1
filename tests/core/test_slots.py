"""Slots: fair, prioritised, and honest about who let go."""

from __future__ import annotations

import asyncio

from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop, run_virtual


def test_the_most_urgent_waiter_comes_first_then_the_oldest() -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        slots, order = Slots(1), []
        assert slots.try_acquire()

        async def wait(name: str, priority: int) -> None:
            await slots.acquire(priority)
            order.append(name)
            slots.release(by=0)

        async with asyncio.TaskGroup() as group:
            for name, priority in (("old", 5), ("new", 5), ("urgent", 1)):
                group.create_task(wait(name, priority))
            await asyncio.sleep(1)
            slots.release(by=0)
        return order

    assert run_virtual(main) == ["urgent", "old", "new"]


def test_a_waiter_learns_which_span_released_its_slot() -> None:
    async def main(loop: VirtualLoop) -> int:
        slots = Slots(1)
        slots.try_acquire()
        loop.call_later(1, slots.release, 42)
        return await slots.acquire()

    assert run_virtual(main) == 42


def test_a_slot_handed_to_a_cancelled_waiter_is_not_lost() -> None:
    async def main(loop: VirtualLoop) -> bool:
        slots = Slots(1)
        slots.try_acquire()
        waiter = asyncio.create_task(slots.acquire())
        await asyncio.sleep(0)
        slots.release(by=1)  # handed over …
        waiter.cancel()  # … and cancelled before it could resume
        await asyncio.wait([waiter])
        return slots.try_acquire()

    assert run_virtual(main)


def test_a_cancelled_waiter_is_passed_over() -> None:
    async def main(loop: VirtualLoop) -> int:
        slots = Slots(1)
        slots.try_acquire()
        gone = asyncio.create_task(slots.acquire(1))
        stays = asyncio.create_task(slots.acquire(5))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        slots.release(by=7)
        return await stays

    assert run_virtual(main) == 7


def test_more_slots_let_waiters_in_and_fewer_take_none_away() -> None:
    async def main(loop: VirtualLoop) -> list[tuple[int, int]]:
        slots, seen = Slots(2), []
        assert slots.try_acquire()
        assert slots.try_acquire()
        waiter = asyncio.create_task(slots.acquire())
        await asyncio.sleep(0)
        slots.resize(3, by=7)
        assert await waiter == 7
        slots.resize(1, by=8)
        for _ in range(3):
            seen.append((slots.taken, slots.capacity))
            assert not slots.try_acquire()
            slots.release(by=0)
        assert slots.try_acquire()
        return seen

    assert run_virtual(main) == [(3, 1), (2, 1), (1, 1)]
