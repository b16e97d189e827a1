"""A group: none outlives its owner, and what is cancelled first does not depend on addresses."""

from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.group import Group
from konseho_cli.core.virtual import VirtualLoop, run_virtual


async def note_its_end(number: int, order: list[int], *, slow: bool = False) -> None:
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        if slow:
            await asyncio.sleep(5)
        order.append(number)
        raise


def test_tasks_are_cancelled_in_the_order_in_which_they_were_made() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        order: list[int] = []
        group = Group()
        for number in range(50):
            group.start(note_its_end(number, order))
        await asyncio.sleep(1)
        await group.stop()
        return order

    assert run_virtual(main) == list(range(50))


def test_stopping_waits_for_what_takes_long_to_end() -> None:
    async def main(loop: VirtualLoop) -> tuple[list[int], float]:
        order: list[int] = []
        group = Group()
        group.start(note_its_end(1, order, slow=True))
        await asyncio.sleep(0)
        await group.stop()
        return order, loop.time()

    assert run_virtual(main) == ([1], 5)


def test_an_owner_that_is_cancelled_meanwhile_still_leaves_nobody_behind() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        order: list[int] = []

        async def own() -> None:
            group = Group()
            group.start(note_its_end(1, order, slow=True))
            await asyncio.sleep(0)
            await group.stop()

        owner = asyncio.create_task(own())
        await asyncio.sleep(1)
        owner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await owner
        return order

    assert run_virtual(main) == [1]
