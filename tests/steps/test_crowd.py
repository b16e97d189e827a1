"""Whose turn comes first, and who debates with whom."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.agents.member import Member
from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.crowd import Turns, dealt, in_order


@given(st.integers(2, 400), st.integers(2, 40), st.none() | st.integers(0, 9))
def test_groups_hold_everybody_once_and_nobody_alone(
    count: int, size: int, seed: int | None
) -> None:
    chance = None if seed is None else Random(seed)
    groups = dealt(range(count), size, chance)
    flat = [one for group in groups for one in group]
    assert sorted(flat) == list(range(count))
    assert chance is not None or flat == list(range(count))
    sizes = {len(group) for group in groups}
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= size or (size == 2 and max(sizes) == 3)


def test_the_lowest_comes_first_and_equals_stay_as_they_are(context) -> None:
    urgency = {"ann": 2, "bob": 1, "cid": 2, "dee": 0.5}
    agents = {
        name: Member(of="villager", item={"urgency": each}, index=at)
        for at, (name, each) in enumerate(urgency.items(), 1)
    }
    ctx = context({}, agents=agents)
    assert in_order(ctx, tuple(agents), "{{ item.urgency }}") == ("dee", "bob", "ann", "cid")
    assert in_order(ctx, tuple(agents), None) == tuple(agents)
    assert in_order(ctx, ("bob", "ann"), "{{ agent }}") == ("ann", "bob")


@pytest.mark.parametrize(
    ("order", "message"),
    [("{{ [agent] }}", "not a number or text"), ("{{ 1 if agent == 'ann' else 'x' }}", "no order")],
)
def test_what_has_no_order_is_said_of_whom(context, order: str, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        in_order(context({}), ("ann", "bob"), order)


@given(st.data())
def test_everybody_has_a_turn_after_those_it_waits_for_and_nobody_waits_longer(data) -> None:
    count = data.draw(st.integers(0, 12))
    batch = data.draw(st.none() | st.integers(1, 4))
    names = [str(number) for number in range(count)]
    shuffled = data.draw(st.permutations(names))
    after = {
        name: data.draw(st.lists(st.sampled_from(shuffled[:at])))
        for at, name in enumerate(shuffled)
        if at
    }
    turns = Turns(names, batch=batch, after=after)
    running: list[str] = []
    ended: list[str] = []
    while True:
        while (name := turns.take()) is not None:
            assert set(after.get(name, ())) <= set(ended)
            running.append(name)
        assert len(running) <= (batch or count)
        ready = [
            name for name in names if set(after.get(name, ())) <= {*ended}
            and name not in ended and name not in running
        ]  # fmt: skip
        assert turns.waiting == count - len(running) - len(ended)
        assert not ready or len(running) == batch
        if not running:
            break
        ended.append(running.pop(data.draw(st.integers(0, len(running) - 1))))
        turns.ended(ended[-1])
    assert sorted(ended) == sorted(names)
