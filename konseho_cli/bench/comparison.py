"""Whether one thing is slower than another: paired samples, an interval, a verdict. Pure.

The figure is the ratio of medians, after ÷ before. Its interval is the bias-corrected and
accelerated bootstrap (BCa: Efron 1987, "Better Bootstrap Confidence Intervals", JASA 82), which
draws whole pairs again, so that what a machine did to both sides of a pair is no difference.

Where a machine has two speeds, medians jump between them, and the bootstrap does not see it. So the
pairs themselves must agree, too: an exact sign test has to exclude chance at the same confidence.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb
from operator import itemgetter
from statistics import NormalDist, fmean, median
from typing import Any, Literal, NamedTuple

Verdict = Literal["faster", "slower", "inconclusive"]
Outcome = Literal["passed", "regression", "inconclusive"]

FEWEST_PAIRS = 20
"""Before an interval is looked at: with 10, to stop where it is narrow doubled the false alarms."""
_RESAMPLES = 2000
_NORMAL = NormalDist()


class Pair(NamedTuple):
    """Two samples taken side by side, both of one unit and above 0."""

    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What pairs say about the ratio of after to before."""

    ratio: float
    """Of the medians; below 1: after is faster, or takes less."""
    low: float
    """The interval of the ratio, at `confidence`."""
    high: float
    verdict: Verdict
    """Inconclusive: 1 lies in the interval, or too many pairs say the opposite."""
    chance: float
    """Two-sided p value of a ratio of 1: the greater one of the interval's and the sign test's."""
    pairs: int
    before: float
    """Median, in the samples' unit."""
    after: float
    threshold: float
    """The least relative difference that matters: 0.05 is 5 %."""
    floor: float
    """The least absolute difference that matters, in the samples' unit."""
    confidence: float

    @property
    def is_narrow(self) -> bool:
        """Whether an interval that holds 1 cannot hold a difference that matters as well."""
        width = self.high - self.low
        return width <= self.threshold or width * self.before <= self.floor

    @property
    def matters(self) -> bool:
        """Whether the difference passes threshold and floor."""
        least = 1 + self.threshold if self.ratio > 1 else 1 - self.threshold
        relative = self.ratio >= least if self.ratio > 1 else self.ratio <= least
        return relative and abs(self.after - self.before) >= self.floor

    @property
    def is_regression(self) -> bool:
        """Whether it is slower: surely, by the threshold, and by the floor."""
        return self.verdict == "slower" and self.matters

    @property
    def is_improvement(self) -> bool:
        """Whether it is faster: surely, by the threshold, and by the floor."""
        return self.verdict == "faster" and self.matters

    @property
    def outcome(self) -> Outcome:
        """What a gate makes of it; inconclusive: a difference that matters cannot be ruled out."""
        if self.is_regression:
            return "regression"
        worst = (self.high - 1) * self.before
        ruled_out = self.high < 1 + self.threshold or worst < self.floor
        return "passed" if ruled_out or self.is_narrow else "inconclusive"


def compare(
    pairs: Sequence[Pair],
    *,
    threshold: float = 0.05,
    floor: float = 0.0,
    confidence: float = 0.95,
    seed: int = 0,
) -> Compared:
    """Compare by the pairs. Raises ValueError: fewer than two of them, or a sample not above 0.

    How many pairs there are must not have been decided by what they say about the ratio; that
    the interval was wide may decide it.
    """
    if len(pairs) < 2 or min(map(min, pairs)) <= 0:
        raise ValueError("a comparison takes two pairs or more, and samples above 0")
    bootstrap = _bootstrap(pairs, seed)
    low, high = bootstrap.interval(confidence)
    verdict, agreeing = _verdict(low, high), _chance_of_signs(pairs, bootstrap.ratio > 1)
    return Compared(
        ratio=bootstrap.ratio, low=low, high=high,
        verdict=verdict if agreeing <= 1 - confidence else "inconclusive",
        chance=max(bootstrap.chance_of(1.0), agreeing), pairs=len(pairs),
        before=median(pair.before for pair in pairs), after=median(pair.after for pair in pairs),
        threshold=threshold, floor=floor, confidence=confidence,
    )  # fmt: skip


def corrected(family: Sequence[Compared]) -> list[Compared]:
    """Many comparisons at once: a verdict stays only where Holm's step-down procedure lets it.

    So the chance that any of them is wrong is that of one (Holm 1979, Scand. J. Statist. 6).
    """
    ranked = sorted(range(len(family)), key=lambda index: family[index].chance)
    kept: set[int] = set()
    for place, index in enumerate(ranked):
        if family[index].chance > (1 - family[index].confidence) / (len(family) - place):
            break
        kept.add(index)
    return [
        each if index in kept else replace(each, verdict="inconclusive")
        for index, each in enumerate(family)
    ]


def abba(
    before: Callable[[], float], after: Callable[[], float], times: int = 1
) -> tuple[Pair, Pair]:
    """Take two pairs in the order A B B A: a steady drift slows one pair and speeds the other.

    `times`: so many rounds make the two pairs, of each place the least; what else a machine does
    only adds, and whoever takes turns so often meets it alike.
    """
    rounds = [(before(), after(), after(), before()) for _ in range(times)]
    first, second, third, fourth = (min(column) for column in zip(*rounds, strict=True))
    return Pair(first, second), Pair(fourth, third)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bootstrap:
    ratio: float
    drawn: list[float]
    """Ratios of what was drawn again, ascending."""
    bias: float
    """z0: how far the middle of those lies from the ratio, in standard deviations."""
    acceleration: float
    """How the spread changes with the ratio."""

    def interval(self, confidence: float) -> tuple[float, float]:
        ends = ((1 - confidence) / 2, (1 + confidence) / 2)
        low, high = (self._quantile(self._share(_NORMAL.inv_cdf(end))) for end in ends)
        return min(low, self.ratio), max(high, self.ratio)

    def chance_of(self, ratio: float) -> float:
        if self.drawn[0] == self.drawn[-1]:
            return 1.0 if self.ratio == ratio else 0.0
        distance = _z(self.drawn, ratio) - self.bias
        scale = 1 + self.acceleration * distance
        if scale <= 0:
            return 1 / (len(self.drawn) + 1)
        share = _NORMAL.cdf(distance / scale - self.bias)
        return min(1.0, 2 * min(share, 1 - share))

    def _share(self, z: float) -> float:
        moved = self.bias + z
        return _NORMAL.cdf(self.bias + moved / max(1e-9, 1 - self.acceleration * moved))

    def _quantile(self, share: float) -> float:
        place = share * (len(self.drawn) - 1)
        lower = min(int(place), len(self.drawn) - 2)
        left, right = self.drawn[lower], self.drawn[lower + 1]
        return left + (right - left) * (place - lower)


def _bootstrap(pairs: Sequence[Pair], seed: int) -> _Bootstrap:
    befores, afters = [pair.before for pair in pairs], [pair.after for pair in pairs]
    ratio = median(afters) / median(befores)
    drawn = sorted(
        _median(sorted(draw(afters))) / _median(sorted(draw(befores)))
        for draw in _draws(len(pairs), seed)
    )
    return _Bootstrap(
        ratio=ratio, drawn=drawn, bias=_z(drawn, ratio), acceleration=_accelerated(befores, afters)
    )


@lru_cache(maxsize=64)
def _draws(size: int, seed: int) -> tuple[Callable[[Any], tuple[float, ...]], ...]:
    """Ways to draw `size` of `size` again: the same for all comparisons of that size."""
    rng = random.Random(f"{seed}/{size}")
    return tuple(itemgetter(*rng.choices(range(size), k=size)) for _ in range(_RESAMPLES))


def _chance_of_signs(pairs: Sequence[Pair], slower: bool) -> float:
    """How likely so many pairs of so many say `slower`, or its opposite, where it is a toss-up."""
    told = [(after > before) is slower for before, after in pairs if after != before]
    against, count = told.count(False), len(told)
    tail: float = sum(comb(count, number) for number in range(against + 1)) / 2**count
    return min(1.0, 2 * tail)


def _z(drawn: Sequence[float], ratio: float) -> float:
    """The normal deviate of the share that lies below; what is equal counts half."""
    below = (bisect_left(drawn, ratio) + bisect_right(drawn, ratio)) / 2
    return _NORMAL.inv_cdf((below + 0.5) / (len(drawn) + 1))


def _accelerated(befores: Sequence[float], afters: Sequence[float]) -> float:
    """By the jackknife: the ratio with each pair left out in turn."""
    without = [
        median(_without(afters, index)) / median(_without(befores, index))
        for index in range(len(befores))
    ]
    middle = fmean(without)
    squares = sum((middle - each) ** 2 for each in without)
    cubes = sum((middle - each) ** 3 for each in without)
    return cubes / (6 * squares**1.5) if squares else 0.0


def _without(samples: Sequence[float], index: int) -> list[float]:
    return [*samples[:index], *samples[index + 1 :]]


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _verdict(low: float, high: float) -> Verdict:
    return "slower" if low > 1 else "faster" if high < 1 else "inconclusive"
