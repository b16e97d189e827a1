"""Virtual time: jumps to timers, stands still for threads, the same at every run."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from konseho_cli.core.virtual import Deadlock, VirtualLoop, run_virtual


def test_sleeping_takes_no_real_time_and_exactly_the_virtual_time() -> None:
    async def main(loop: VirtualLoop) -> tuple[int, float]:
        started = time.monotonic()
        await asyncio.sleep(3600)
        return loop.now(), time.monotonic() - started

    virtual_ns, real_s = run_virtual(main)
    assert virtual_ns == 3600 * 10**9
    assert real_s < 60


def test_concurrent_sleeps_overlap() -> None:
    async def main(loop: VirtualLoop) -> int:
        await asyncio.gather(*(asyncio.sleep(delay) for delay in (3, 1, 2)))
        return loop.now()

    assert run_virtual(main) == 3 * 10**9


def test_the_wall_clock_moves_with_virtual_time() -> None:
    async def main(loop: VirtualLoop) -> float:
        before = loop.wall()
        await asyncio.sleep(5)
        return loop.wall() - before

    assert run_virtual(main) == 5


def test_time_stands_still_while_a_thread_is_awaited() -> None:
    async def main(loop: VirtualLoop) -> tuple[int, list[str]]:
        order: list[str] = []
        release = threading.Event()

        async def in_a_thread() -> None:
            await asyncio.to_thread(release.wait, 10)
            order.append("thread")

        async def by_timer() -> None:
            await asyncio.sleep(1)
            order.append("timer")

        loop.call_soon(release.set)
        await asyncio.gather(by_timer(), in_a_thread())
        return loop.now(), order

    assert run_virtual(main) == (10**9, ["thread", "timer"])


def test_threads_are_handed_over_in_the_order_of_submission() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        second_is_done = threading.Event()
        order: list[int] = []

        def first() -> None:
            assert second_is_done.wait(10)

        async def wait_for(number: int, work: object) -> None:
            await loop.run_in_executor(None, work)  # type: ignore[arg-type]
            order.append(number)

        await asyncio.gather(wait_for(1, first), wait_for(2, second_is_done.set))
        return order

    assert run_virtual(main) == [1, 2]


def test_an_error_in_a_thread_reaches_who_awaits_it() -> None:
    async def main(loop: VirtualLoop) -> None:
        await asyncio.to_thread(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        run_virtual(main)


def test_a_thread_nobody_awaits_any_more_holds_nothing_up() -> None:
    release = threading.Event()

    async def main(loop: VirtualLoop) -> int:
        task = asyncio.create_task(asyncio.to_thread(release.wait, 60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(2)  # would wait for the thread if the clock still counted it
        release.set()
        return loop.now()

    assert run_virtual(main) == 2 * 10**9
    assert release.is_set()


def test_waiting_for_nothing_is_an_error_rather_than_a_hang() -> None:
    async def main(loop: VirtualLoop) -> None:
        await loop.create_future()

    with pytest.raises(Deadlock):
        run_virtual(main)


def test_signals_are_heard_while_time_jumps() -> None:
    async def main(loop: VirtualLoop) -> float:
        heard: list[float] = []
        loop.add_signal_handler(signal.SIGUSR1, lambda: heard.append(loop.time()))
        loop.call_later(5, os.kill, os.getpid(), signal.SIGUSR1)
        for _ in range(20):
            await asyncio.sleep(1)
        loop.remove_signal_handler(signal.SIGUSR1)
        return heard[0]

    assert 5 <= run_virtual(main) <= 20


def test_time_is_a_whole_number_of_nanoseconds() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        times = []
        for _ in range(100):
            await asyncio.sleep(1e-9 / 3 + 0.1)
            times.append(loop.time())
        return times

    assert all(round(time * 1e9) / 1e9 == time for time in run_virtual(main))
