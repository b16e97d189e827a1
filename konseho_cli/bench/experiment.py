"""An experiment: first whether the machine is steady, then A B B A until the interval is narrow.

When to stop is decided by the width of the interval alone, never by the verdict: who looks again
and again until a difference shows will see one in the end. (Looking at the width costs a little
too: `tests/bench/test_experiment.py` measures how much.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import sqrt
from time import perf_counter
from typing import Literal

from konseho_cli.bench.comparison import (
    FEWEST_PAIRS,
    Compared,
    Outcome,
    Pair,
    Verdict,
    abba,
    compare,
)

Sample = Callable[[], float]
"""Does the thing once and returns what it took, above 0."""
Tell = Callable[[str, int, Compared | None], object]
"""Hears the stage (`A/A` or `A/B`), the pairs so far, and what they said when last looked at."""

_LEAST_PAIRS = 6
"""With fewer, even where all of them agree, chance is not ruled out at 95 %."""
_LOOK_AGAIN = 1.25
_SHARE_OF_NOISE = 1 / 3
"""Of the pairs and the seconds, for the A/A check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What counts as a difference."""

    threshold: float = 0.05
    """Relative."""
    floor: float = 0.0
    """Absolute, in the samples' unit."""
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """When to give up on a narrower interval."""

    pairs: int = 200
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an experiment came to."""

    noise: Compared | None
    """Before against itself; None: not even that could be looked at."""
    compared: Compared | None
    """After against before; None: the machine was too noisy, or the time too short."""
    stopped: Literal["narrow", "noisy", "pairs", "seconds"]

    @property
    def verdict(self) -> Verdict:
        """Faster, slower or inconclusive."""
        return "inconclusive" if self.compared is None else self.compared.verdict

    @property
    def outcome(self) -> Outcome:
        """What a gate makes of it."""
        return "inconclusive" if self.compared is None else self.compared.outcome


def experiment(
    before: Sample,
    after: Sample,
    bar: Bar,
    cap: Cap,
    *,
    times: int = 1,
    now: Callable[[], float] = perf_counter,
    tell: Tell = lambda stage, pairs, compared: None,
) -> Trial:
    """Compare after with before. Whatever a sample raises is raised.

    `times`: so many samples are taken for one, turn about, of which the least counts.

    Nothing is compared where before differs from itself by so much that a difference of the
    threshold could not be seen with all the pairs that there would be.
    """
    start = now()
    ends = (start + cap.seconds * _SHARE_OF_NOISE, start + cap.seconds)
    early = Cap(pairs=max(FEWEST_PAIRS, round(cap.pairs * _SHARE_OF_NOISE)), seconds=ends[0])
    noise, why = _until_narrow(
        partial(abba, before, before, times),
        bar,
        early,
        now,
        lambda pairs, seen: tell("A/A", pairs, seen),
    )
    if noise is None or _is_hopeless(noise, cap, now() - start):
        return Trial(noise=noise, compared=None, stopped="seconds" if noise is None else "noisy")
    late = Cap(pairs=cap.pairs, seconds=ends[1])
    compared, why = _until_narrow(
        partial(abba, before, after, times),
        bar,
        late,
        now,
        lambda pairs, seen: tell("A/B", pairs, seen),
    )
    return Trial(noise=noise, compared=compared, stopped=why)


def _is_hopeless(noise: Compared, cap: Cap, took: float) -> bool:
    """Whether the machine is too noisy: the width goes with the root of the number of pairs."""
    if noise.is_narrow:
        return noise.is_regression or noise.is_improvement
    in_time = noise.pairs * (cap.seconds - took) / took if took > 0 else cap.pairs
    width = (noise.high - noise.low) * sqrt(noise.pairs / max(1.0, min(cap.pairs, in_time)))
    return width > noise.threshold and width * noise.before > noise.floor


def _until_narrow(
    take: Callable[[], tuple[Pair, Pair]],
    bar: Bar,
    cap: Cap,
    now: Callable[[], float],
    tell: Callable[[int, Compared | None], object],
) -> tuple[Compared | None, Literal["narrow", "pairs", "seconds"]]:
    """`cap.seconds` is a moment here."""
    pairs: list[Pair] = []
    seen: Compared | None = None
    look = float(FEWEST_PAIRS)
    while True:
        pairs += take()
        late, many = now() >= cap.seconds, len(pairs) >= cap.pairs
        if len(pairs) >= look or late or many:
            seen = _look(pairs, bar)
            look = len(pairs) * _LOOK_AGAIN
        tell(len(pairs), seen)
        if seen is not None and seen.is_narrow and len(pairs) >= min(FEWEST_PAIRS, cap.pairs):
            return seen, "narrow"
        if late or many:
            return seen, "seconds" if late else "pairs"


def _look(pairs: list[Pair], bar: Bar) -> Compared | None:
    if len(pairs) < _LEAST_PAIRS:
        return None
    return compare(
        pairs, threshold=bar.threshold, floor=bar.floor, confidence=bar.confidence, seed=bar.seed
    )
