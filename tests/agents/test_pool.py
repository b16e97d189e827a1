from __future__ import annotations

import asyncio

from konseho_cli.agents.pool import AgentPool
from konseho_cli.core.virtual import run_virtual


def occupy(pool, pieces, seconds=1.0):
    """Work on pieces one after another in each instance; when and by whom each was begun."""
    begun: list[tuple[float, str]] = []

    async def piece():
        if not pool.slots.try_acquire():
            await pool.slots.acquire()
        instance = pool.take()
        begun.append((asyncio.get_running_loop().time(), instance))
        try:
            await asyncio.sleep(seconds)
        finally:
            pool.give_back(instance, by=0)

    async def main(loop):
        async with asyncio.TaskGroup() as group:
            for _ in range(pieces):
                group.create_task(piece())
        return begun

    return run_virtual(main)


def test_the_instance_that_is_idle_longest_is_next():
    assert occupy(AgentPool(["a", "b"]), 4) == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]


def test_no_instance_is_ever_lent_twice_at_once():
    begun = occupy(AgentPool(["a", "b", "c"]), 10)
    assert len(set(begun)) == len(begun)


def test_spare_instances_join_one_at_a_time_while_others_wait():
    pool = AgentPool(["a"], spare=["b", "c", "d", "e"])
    begun = occupy(pool, 6)
    assert [sum(at == second for at, _ in begun) for second in (0, 1, 2)] == [1, 2, 3]
    assert pool.size == 3  # when b finished nobody waited any more


def test_a_spare_instance_stays_out_where_nobody_waits():
    pool = AgentPool(["a", "b"], spare=["c"])
    occupy(pool, 2)
    assert pool.size == 2


def test_an_abandoned_wait_leaves_the_pool_whole():
    pool = AgentPool(["a"])

    async def main(loop):
        assert pool.slots.try_acquire()
        held = pool.take()
        waiting = asyncio.ensure_future(pool.slots.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        pool.give_back(held, by=0)
        return pool.slots.try_acquire(), pool.take()

    assert run_virtual(main) == (True, "a")
