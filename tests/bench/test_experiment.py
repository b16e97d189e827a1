"""Samples are scripted: nothing here waits, and nothing depends on the machine."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from konseho_cli.bench.comparison import FEWEST_PAIRS
from konseho_cli.bench.experiment import Bar, Cap, Trial, experiment

Noise = Callable[[random.Random, int], float]
SIMULATED = 40
"""Benchmarks of each kind of noise."""


def _bimodal(rng: random.Random, number: int) -> float:
    return (1.0 if rng.random() < 0.5 else 1.2) * rng.gauss(1, 0.01)


def _heavy(rng: random.Random, number: int) -> float:
    return 1 + 0.02 * abs(rng.gauss(0, 1) / max(1e-3, abs(rng.gauss(0, 1))))


NOISES: dict[str, Noise] = {
    "normal": lambda rng, number: rng.gauss(1, 0.03),
    "heavy tail": _heavy,
    "drift": lambda rng, number: (1 + number / 400) * rng.gauss(1, 0.02),
    "bimodal": _bimodal,
    "interrupted": lambda rng, number: rng.gauss(1, 0.01) * (3 if rng.random() < 0.1 else 1),
}


def _trial(noise: Noise, slower: float, seed: int, bar: Bar | None = None) -> Trial:
    rng, number = random.Random(seed), iter(range(10_000))

    def sample(factor: float) -> float:
        return factor * max(1e-6, noise(rng, next(number)))

    return experiment(
        lambda: sample(1), lambda: sample(slower), bar or Bar(), Cap(), now=lambda: 0.0
    )


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_false_alarms_are_no_more_than_stated(noise: Noise) -> None:
    trials = [_trial(noise, 1.0, seed) for seed in range(SIMULATED)]
    alarms = sum(trial.outcome == "regression" for trial in trials)
    assert alarms <= 0.05 * SIMULATED
    compared = [trial.compared for trial in trials if trial.compared]
    # The interval itself, without threshold: to stop by its width costs some of its confidence.
    assert sum(each.verdict != "inconclusive" for each in compared) <= 0.15 * SIMULATED


@pytest.mark.parametrize("kind", ["normal", "heavy tail", "drift", "interrupted"])
def test_a_planted_tenth_is_found_20_times_and_a_planted_nothing_never(kind: str) -> None:
    planted = [_trial(NOISES[kind], 1.1, 500 + seed).outcome for seed in range(20)]
    nothing = [_trial(NOISES[kind], 1.0, 900 + seed).outcome for seed in range(20)]
    assert planted == ["regression"] * 20
    assert nothing == ["passed"] * 20


def test_a_machine_that_differs_from_itself_is_told_before_anything_is_compared() -> None:
    trial = _trial(lambda rng, number: rng.uniform(0.5, 1.5), 3.0, 1)
    assert (trial.stopped, trial.outcome, trial.compared) == ("noisy", "inconclusive", None)
    assert trial.noise is not None
    assert not trial.noise.is_narrow


def test_pairs_are_added_until_the_interval_is_narrow_and_no_longer() -> None:
    few, more = (_trial(NOISES["normal"], 1.0, 1, Bar(threshold=each)) for each in (0.2, 0.02))
    assert few.compared is not None
    assert few.compared.pairs == FEWEST_PAIRS
    assert more.stopped in ("noisy", "pairs", "narrow")
    assert (more.compared or more.noise).pairs > FEWEST_PAIRS  # type: ignore[union-attr]


def test_time_that_is_up_ends_it_and_what_is_there_is_judged() -> None:
    seconds = iter(range(1000))
    trial = experiment(
        lambda: 1.0, lambda: 1.5, Bar(), Cap(pairs=500, seconds=30.0), now=lambda: next(seconds)
    )
    assert trial.noise is not None
    assert trial.outcome == "regression"
    short = experiment(
        lambda: 1.0, lambda: 1.5, Bar(), Cap(seconds=2.0), now=iter(range(99)).__next__
    )
    assert (short.noise, short.stopped, short.outcome) == (None, "seconds", "inconclusive")


def test_who_waits_hears_how_far_it_is() -> None:
    heard: list[tuple[str, int]] = []
    experiment(
        lambda: 1.0, lambda: 1.0, Bar(), Cap(), now=lambda: 0.0,
        tell=lambda stage, pairs, seen: heard.append((stage, pairs)),
    )  # fmt: skip
    assert heard[0] == ("A/A", 2)
    assert heard[-1] == ("A/B", FEWEST_PAIRS)
