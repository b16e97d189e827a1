"""The line through the memory after each run."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.recorders.leaks import FEWEST, leak, warm_runs

BASE = 40 * 2**20


@given(st.integers(FEWEST, 60), st.integers(-50_000, 50_000))
def test_a_straight_line_has_its_own_slope_for_certain(runs: int, slope: int) -> None:
    found = leak([BASE + slope * number for number in range(runs)])
    assert found.slope == found.low == found.high == slope
    assert found.leaks is (slope > 4096)


@given(st.integers(0, 2**32), st.sampled_from((0, 20_000, 200_000)))
def test_the_slope_lies_within_its_interval(seed: int, slope: int) -> None:
    chance = random.Random(seed)
    runs = [BASE + slope * number + chance.randint(-30_000, 30_000) for number in range(40)]
    found = leak(runs)
    assert found.low <= found.slope <= found.high
    assert found.leaks or slope < 200_000


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance, held = random.Random(7), 0
    for _ in range(200):
        runs = [BASE + 9_000 * number + round(chance.gauss(0, 40_000)) for number in range(30)]
        found = leak(runs)
        held += found.low <= 9_000 <= found.high
    assert held >= 180


def test_runs_that_fill_caches_are_left_out() -> None:
    runs = [BASE + 2**20 * min(number, warm_runs(20)) for number in range(20)]
    assert not leak(runs).leaks


def test_one_wild_run_changes_nothing() -> None:
    runs = [BASE] * 20
    runs[12] += 300 * 2**20
    assert leak(runs).slope == 0


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        leak([BASE] * (FEWEST - 1))
