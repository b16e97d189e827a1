from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.bench.comparison import Pair, abba, compare, corrected

times = st.floats(min_value=1e-6, max_value=1e3)
some_pairs = st.lists(st.builds(Pair, times, times), min_size=2, max_size=30)


def _pairs(ratio: float, *, noise: float = 0.02, count: int = 30, seed: int = 1) -> list[Pair]:
    rng = random.Random(seed)
    return [Pair(rng.gauss(1, noise), ratio * rng.gauss(1, noise)) for _ in range(count)]


def test_what_is_slower_by_a_tenth_is_a_regression() -> None:
    found = compare(_pairs(1.1), threshold=0.05)
    assert (found.verdict, found.outcome) == ("slower", "regression")
    assert found.low < 1.1 < found.high
    assert found.chance < 0.01


def test_what_is_faster_by_a_tenth_is_an_improvement() -> None:
    found = compare(_pairs(0.9), threshold=0.05)
    assert (found.verdict, found.outcome) == ("faster", "passed")
    assert found.is_improvement


def test_nothing_is_inconclusive_and_passes_a_gate_where_the_interval_is_narrow() -> None:
    found = compare(_pairs(1.0), threshold=0.05)
    assert (found.verdict, found.outcome) == ("inconclusive", "passed")


def test_a_difference_below_the_threshold_is_told_and_fails_nothing() -> None:
    found = compare(_pairs(1.03, noise=0.005), threshold=0.05)
    assert (found.verdict, found.outcome) == ("slower", "passed")


def test_a_difference_below_the_floor_fails_nothing_whatever_its_ratio() -> None:
    pairs = [Pair(each.before * 1e-7, each.after * 1e-7) for each in _pairs(1.5)]
    assert compare(pairs, threshold=0.05).outcome == "regression"
    found = compare(pairs, threshold=0.05, floor=1e-6)
    assert (found.verdict, found.outcome) == ("slower", "passed")


def test_a_wide_interval_that_could_hide_a_regression_is_inconclusive() -> None:
    found = compare(_pairs(1.0, noise=0.1, seed=2), threshold=0.05)
    assert (found.verdict, found.outcome) == ("inconclusive", "inconclusive")


def test_samples_that_never_differ_leave_no_doubt() -> None:
    same, other = [compare([Pair(2.0, after)] * 8) for after in (2.0, 3.0)]
    assert (same.low, same.high, same.chance) == (1, 1, 1)
    assert (other.low, other.high, other.chance) == (1.5, 1.5, 2 / 2**8)


@pytest.mark.parametrize("pairs", [[], [Pair(1, 1)], [Pair(1, 1), Pair(0, 1)]])
def test_what_cannot_be_compared_is_refused(pairs: list[Pair]) -> None:
    with pytest.raises(ValueError, match="two pairs"):
        compare(pairs)


@settings(max_examples=25, deadline=None)
@given(some_pairs)
def test_the_ratio_lies_in_its_interval(pairs: list[Pair]) -> None:
    found = compare(pairs)
    assert found.low <= found.ratio <= found.high
    assert 0 <= found.chance <= 1


@settings(max_examples=25, deadline=None)
@given(some_pairs, st.sampled_from([2.0**-20, 0.5, 1024.0]))
def test_a_unit_changes_no_ratio(pairs: list[Pair], factor: float) -> None:
    found = compare(pairs)
    scaled = compare([Pair(each.before * factor, each.after * factor) for each in pairs])
    assert (scaled.low, scaled.ratio, scaled.high) == (found.low, found.ratio, found.high)


@settings(max_examples=25, deadline=None)
@given(some_pairs)
def test_the_same_pairs_say_the_same(pairs: list[Pair]) -> None:
    assert compare(pairs, seed=3) == compare(pairs, seed=3)


def test_more_confidence_is_a_wider_interval() -> None:
    usual, surer = (compare(_pairs(1.1), confidence=each) for each in (0.9, 0.99))
    assert surer.low < usual.low < usual.high < surer.high


def test_the_p_value_is_the_error_at_which_the_verdict_is_given() -> None:
    found = compare(_pairs(1.015))
    assert 0.001 < found.chance < 0.5
    surer = compare(_pairs(1.015), confidence=1 - found.chance * 0.9)
    bolder = compare(_pairs(1.015), confidence=1 - found.chance * 1.1)
    assert (surer.verdict, bolder.verdict) == ("inconclusive", "slower")


def test_medians_that_jump_between_two_speeds_are_no_difference_where_the_pairs_agree() -> None:
    # The machine was slow in 9 pairs of 20 for one side, in 11 for the other: all else is equal.
    pairs = [Pair(1.0, 1.0)] * 9 + [Pair(1.2, 1.2)] * 9 + [Pair(1.0, 1.2)] * 2
    found = compare(pairs)
    assert found.ratio > 1.05
    assert found.verdict == "inconclusive"


def test_of_many_comparisons_only_what_holm_lets_through_keeps_its_verdict() -> None:
    chancy = next(
        found
        for seed in range(200)
        if 0.01 < (found := compare(_pairs(1.0, seed=seed))).chance < 0.05
    )
    sure = compare(_pairs(1.2))
    assert chancy.verdict != "inconclusive"
    assert corrected([chancy])[0].verdict == chancy.verdict
    found = corrected([chancy, sure] + [compare(_pairs(1.0, seed=900))] * 8)
    assert [each.verdict for each in found[:2]] == ["inconclusive", "slower"]


def test_a_steady_drift_is_no_difference() -> None:
    clock = iter(range(1, 1000))
    pairs = [pair for _ in range(10) for pair in abba(*[lambda: 100.0 + next(clock)] * 2)]
    assert math.isclose(compare(pairs).ratio, 1, abs_tol=0.01)
    assert compare(pairs).verdict == "inconclusive"
