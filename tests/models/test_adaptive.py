from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.adaptive import COOLDOWN_S, HIGHEST, LOWEST, START, Adaptive


def test_it_grows_by_one_a_round_while_all_slots_are_in_use() -> None:
    adaptive = Adaptive()
    for _ in range(START + 1):
        adaptive.answered(0, in_use=adaptive.limit)
    assert adaptive.limit == START + 1
    for _ in range(1000):
        adaptive.answered(0, in_use=adaptive.limit - 1)
    assert adaptive.limit == START + 1


def test_an_episode_of_429s_takes_a_fifth_once() -> None:
    adaptive = Adaptive()
    for second in range(10):
        adaptive.refused(float(second))
    assert adaptive.limit == 16
    adaptive.refused(COOLDOWN_S)
    assert adaptive.limit == 12


def test_nothing_grows_while_it_cools_down() -> None:
    adaptive = Adaptive()
    adaptive.refused(0)
    for _ in range(100):
        adaptive.answered(COOLDOWN_S - 0.1, in_use=50)
    assert adaptive.limit == 16
    for _ in range(17):
        adaptive.answered(COOLDOWN_S, in_use=50)
    assert adaptive.limit == 17


def test_a_ceiling_below_the_start_is_the_start() -> None:
    assert Adaptive(5).limit == 5


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1000))), st.integers(1, HIGHEST))
def test_it_stays_between_its_bounds(events: list[tuple[bool, float]], highest: int) -> None:
    adaptive = Adaptive(highest)
    for refused, now in sorted(events, key=lambda event: event[1]):
        if refused:
            adaptive.refused(now)
        else:
            adaptive.answered(now, in_use=1000)
        assert LOWEST <= adaptive.limit <= highest
