"""Medians, spreads, ratios and verdicts: pure functions of samples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["met", "missed", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The middle of some samples, and the half of them that lies around it."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""

    @property
    def spread(self) -> float:
        """Half the interquartile range, as a share of the median; 0 where the median is."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One A B B A: ours, the peer twice, ours again. A drift of the machine hits both alike."""

    ours: tuple[float, float]
    peer: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Ours as a multiple of the peer. Raises ZeroDivisionError for a peer of nothing."""
        return sum(self.ours) / sum(self.peer)


def summarize(samples: Sequence[float]) -> Summary:
    """Median and quartiles. Raises ValueError without samples."""
    if not samples:
        raise ValueError("nothing was measured")
    if len(samples) == 1:
        return Summary(median=samples[0], low=samples[0], high=samples[0])
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median=middle, low=low, high=high)


def ours(rounds: Sequence[Round]) -> Summary:
    """Our own samples."""
    return summarize([sample for each in rounds for sample in each.ours])


def peer(rounds: Sequence[Round]) -> Summary:
    """The peer's samples."""
    return summarize([sample for each in rounds for sample in each.peer])


def ratio(rounds: Sequence[Round]) -> Summary:
    """The rounds' ratios: each pairs what was measured side by side."""
    return summarize([each.ratio for each in rounds])


def verdict(measured: Summary, target: float) -> Verdict:
    """Whether the middle half lies below the target, above it, or on both sides of it."""
    if measured.high < target:
        return "met"
    return "missed" if measured.low >= target else "inconclusive"
