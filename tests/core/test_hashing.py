"""Seeds that do not vary between processes, and ids that sort by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.hashing import new_run_id, rng, seed


def test_a_seed_is_the_same_in_every_process() -> None:
    assert seed(0, "review", ("a", 1)) == 5056212756712296299


def test_parts_do_not_run_together() -> None:
    assert seed("ab", "c") != seed("a", "bc")
    assert rng(1, "x").random() != rng(2, "x").random()


@given(st.lists(st.integers(1, 2**33), min_size=2, max_size=2, unique=True))
def test_run_ids_sort_by_time(moments: list[int]) -> None:
    early, late = sorted(moments)
    assert new_run_id(early) < new_run_id(late)
    assert len(new_run_id(early)) == 12
