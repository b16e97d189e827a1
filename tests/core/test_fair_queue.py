from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.fair_queue import FairQueue


def served(waiters: list[tuple[int, str]], *, gone: frozenset[int] = frozenset()) -> list[int]:
    """Places of the waiters in the order in which they are served."""

    async def main() -> list[int]:
        queue = FairQueue()
        futures = [queue.push(priority, flow) for priority, flow in waiters]
        for place in gone:
            futures[place].cancel()
        found = []
        while (future := queue.pop()) is not None:
            found.append(futures.index(future))
        return found

    return asyncio.run(main())


def test_a_small_flow_does_not_wait_for_all_of_a_large_one() -> None:
    crowd, few = [(5, "crowd")] * 1000, [(5, "few")] * 5
    order = served(crowd + few)
    assert max(order.index(1000 + place) for place in range(5)) < 11


def test_the_urgent_go_before_every_flow() -> None:
    assert served([(5, "a"), (5, "b"), (1, "a"), (1, "a")])[:2] == [2, 3]


def test_a_flow_that_was_away_has_not_saved_up_turns() -> None:
    async def main() -> list[str]:
        queue, names = FairQueue(), {}
        for number in range(10):
            names[queue.push(5, "steady")] = f"steady {number}"
        for _ in range(6):
            queue.pop()
        for number in range(4):
            names[queue.push(5, "late")] = f"late {number}"
        return [names[future].split()[0] for _ in range(8) if (future := queue.pop())]

    counts = Counter(asyncio.run(main())[:4])
    assert counts["late"] == counts["steady"] == 2


@given(st.lists(st.tuples(st.integers(0, 10), st.sampled_from("abc")), max_size=40), st.data())
def test_everybody_is_served_once_by_priority_and_in_order_within_a_flow(
    waiters: list[tuple[int, str]], data: st.DataObject
) -> None:
    gone = (
        data.draw(st.frozensets(st.sampled_from(range(len(waiters))))) if waiters else frozenset()
    )
    order = served(waiters, gone=gone)
    assert sorted(order) == [place for place in range(len(waiters)) if place not in gone]
    priorities = [waiters[place][0] for place in order]
    assert priorities == sorted(priorities)
    for waiter in set(waiters):
        mine = [place for place in order if waiters[place] == waiter]
        assert mine == sorted(mine)


@pytest.mark.parametrize("flows", [2, 3, 7])
def test_while_all_flows_wait_none_is_ahead_by_more_than_one_turn(flows: int) -> None:
    waiters = [(5, str(flow)) for flow in range(flows) for _ in range(20)]
    counts: Counter[str] = Counter({str(flow): 0 for flow in range(flows)})
    for place in served(waiters):
        counts[waiters[place][1]] += 1
        assert max(counts.values()) - min(counts.values()) <= 1
