"""Intervals of time: unions, so that two waits at the same time are one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""Start and end, in nanoseconds; the end does not belong to it."""


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same moments as intervals that neither touch nor overlap, in order; empty ones are none."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def covered(intervals: Iterable[Interval]) -> int:
    """Length of their union."""
    return sum(end - start for start, end in union(intervals))


def peak(intervals: Iterable[Interval]) -> int:
    """How many there are at once, at most; one that begins as another ends follows it."""
    changes: list[tuple[int, int]] = []
    for start, end in intervals:
        if end > start:
            changes += ((start, 1), (end, -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
