from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.agents.rota import Rota, choose

pools = st.integers(1, 6).map(lambda size: tuple("abcdef"[:size]))
questions = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 5))


@given(pools, st.integers(0, 40))
def test_in_turn_nobody_is_picked_more_than_once_more_than_another(pool, times):
    rota = Rota()
    picked = Counter(dict.fromkeys(pool, 0))
    for _ in range(times):
        picked[rota.pick(pool, "round_robin")] += 1
        assert max(picked.values()) - min(picked.values()) <= 1


@given(pools, st.integers(0, 100), questions, st.data())
def test_by_load_nobody_is_picked_who_has_more_to_do_than_another(pool, turn, under_way, data):
    without = data.draw(st.sets(st.sampled_from(pool), max_size=len(pool) - 1))
    place = choose(pool, "load", turn=turn, under_way=under_way, without=without)
    able = [agent for agent in pool if agent not in without]
    least = min(under_way.get(agent, 0) for agent in able)
    assert under_way.get(pool[place], 0) == least
    assert pool[place] == next(agent for agent in able if under_way.get(agent, 0) == least)


@given(pools, st.integers(0, 100), st.sampled_from(["round_robin", "load"]), st.data())
def test_who_is_left_out_is_never_picked(pool, turn, by, data):
    without = data.draw(st.sets(st.sampled_from(pool), max_size=len(pool) - 1))
    assert pool[choose(pool, by, turn=turn, under_way={}, without=without)] not in without


def test_who_fails_is_followed_by_the_next_in_turn():
    rota = Rota()
    assert rota.pick(("a", "b", "c"), "round_robin") == "a"
    assert rota.pick(("a", "b", "c"), "round_robin", without=["b"]) == "c"
    assert rota.pick(("a", "b", "c"), "round_robin") == "a"


def test_each_list_has_turns_of_its_own():
    rota = Rota()
    assert [rota.pick(pool, "round_robin") for pool in (("a", "b"), ("b", "a"), ("a", "b"))] == [
        "a", "b", "b",
    ]  # fmt: skip


def test_who_was_picked_before_is_picked_again_and_the_turn_goes_on_from_there():
    rota = Rota()
    assert rota.pick(("a", "b", "c"), "round_robin", known=["b"]) == "b"
    assert rota.pick(("a", "b", "c"), "round_robin", known=["gone"]) == "c"
    assert rota.pick(("a", "b", "c"), "load", known=["b"], without=["b"]) == "a"


def test_an_empty_pool_is_a_mistake():
    with pytest.raises(ValueError, match="nobody"):
        choose(("a",), "load", turn=0, under_way={}, without=["a"])
