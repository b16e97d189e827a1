"""The ordered task group: what is cancelled first does not depend on addresses."""

from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.group import OrderedTaskGroup
from konseho_cli.core.virtual import VirtualLoop, run_virtual


def test_children_are_cancelled_in_the_order_in_which_they_were_made() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        order: list[int] = []

        async def child(number: int) -> None:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                order.append(number)
                raise

        async with OrderedTaskGroup() as group:
            for number in range(50):
                group.create_task(child(number))
            await asyncio.sleep(1)
            group.cancel_children()
        return order

    assert run_virtual(main) == list(range(50))


def test_an_error_cancels_the_siblings_in_order_and_is_raised() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        order: list[int] = []

        async def child(number: int) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                order.append(number)

        async def fail() -> None:
            raise KeyError("boom")

        with pytest.raises(ExceptionGroup):  # noqa: PT012 - a group is a block
            async with OrderedTaskGroup() as group:
                for number in range(20):
                    group.create_task(child(number))
                await asyncio.sleep(0)
                group.create_task(fail())
        return order

    assert run_virtual(main) == list(range(20))
