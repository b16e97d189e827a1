from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.deadline import earliest, ending_at
from konseho_cli.core.virtual import VirtualLoop, run_virtual


def test_never_is_later_than_anything() -> None:
    assert earliest(None, 3.0, 2.0) == 2.0
    assert earliest(None, None) is None
    assert earliest() is None


def late() -> Exception:
    return KeyError("late")


def test_what_takes_too_long_is_cancelled_and_told_in_the_callers_words() -> None:
    async def main(loop: VirtualLoop) -> float:
        with pytest.raises(KeyError, match="late"):
            async with ending_at(5.0, late):
                await asyncio.sleep(60)
        return loop.time()

    assert run_virtual(main) == 5


def test_what_is_in_time_is_left_alone_and_so_is_a_timeout_of_its_own() -> None:
    async def main(loop: VirtualLoop) -> None:
        async with ending_at(5.0, late):
            await asyncio.sleep(4)
        with pytest.raises(TimeoutError):
            async with ending_at(9.0, late):
                raise TimeoutError

    run_virtual(main)


def test_a_cancellation_from_outside_stays_one() -> None:
    async def main(loop: VirtualLoop) -> bool:
        async def work() -> None:
            async with ending_at(5.0, late):
                await asyncio.sleep(60)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtual(main)
