from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.bench.statistics import Round, Summary, ours, peer, ratio, summarize, verdict

times = st.floats(min_value=1e-6, max_value=1e3)


def test_the_quartiles_are_those_of_the_textbook() -> None:
    assert summarize([1, 2, 3, 4, 5]) == Summary(median=3, low=2, high=4)


def test_one_sample_has_no_spread() -> None:
    assert summarize([7.0]) == Summary(median=7.0, low=7.0, high=7.0)
    assert summarize([7.0]).spread == 0


def test_nothing_measured_is_an_error_and_no_number() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        summarize([])


@given(st.lists(times, min_size=1))
def test_the_middle_lies_in_the_middle_and_among_the_samples(samples: list[float]) -> None:
    found = summarize(samples)
    assert min(samples) <= found.low <= found.median <= found.high <= max(samples)


@given(st.lists(times, min_size=2), times)
def test_a_unit_scales_the_numbers_and_leaves_the_spread(
    samples: list[float], factor: float
) -> None:
    found, scaled = summarize(samples), summarize([sample * factor for sample in samples])
    assert math.isclose(scaled.median, found.median * factor, rel_tol=1e-9)
    assert math.isclose(scaled.spread, found.spread, rel_tol=1e-6, abs_tol=1e-9)


@given(times, times, st.floats(min_value=0.0, max_value=0.9))
def test_a_steady_drift_of_the_machine_leaves_the_ratio_of_a_round(
    mine: float, bare: float, drift: float
) -> None:
    steps = [1 + drift * place for place in range(4)]
    drifting = Round(
        ours=(mine * steps[0], mine * steps[3]), peer=(bare * steps[1], bare * steps[2])
    )
    assert math.isclose(drifting.ratio, mine / bare, rel_tol=1e-9)


def test_ours_and_the_peers_are_not_mixed_up() -> None:
    rounds = [Round(ours=(2, 2), peer=(1, 1)), Round(ours=(4, 4), peer=(1, 1))]
    assert ours(rounds).median == 3
    assert peer(rounds).median == 1
    assert ratio(rounds).median == 3


@pytest.mark.parametrize(
    ("target", "expected"), [(5, "met"), (4, "inconclusive"), (3, "inconclusive"), (2, "missed")]
)
def test_a_target_inside_the_noise_is_inconclusive(target: float, expected: str) -> None:
    assert verdict(Summary(median=3, low=2, high=4), target) == expected
