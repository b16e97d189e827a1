"""Schulze 2011, section 2: duels between candidates, and the strongest paths. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

Duels: TypeAlias = dict[int, dict[int, int]]
"""How many ballots rank the first above the second."""


def no_duels(candidates: Sequence[int]) -> Duels:
    """Before any ballot is heard."""
    return {a: {b: 0 for b in candidates if b != a} for a in candidates}


def fight(duels: Duels, ranking: Sequence[int]) -> None:
    """Add one ballot, best first."""
    for place, above in enumerate(ranking, 1):
        row = duels[above]
        for below in ranking[place:]:
            row[below] += 1


def strongest_paths(duels: Duels) -> dict[tuple[int, int], int]:
    """Section 2.3's algorithm, strength measured by winning votes (section 2.1)."""
    paths = {
        (a, b): won if won > duels[b][a] else 0
        for a, row in duels.items()
        for b, won in row.items()
    }
    for via in duels:
        for a in duels:
            first = paths.get((a, via), 0)
            if not first:
                continue
            for b in duels:
                if b in (a, via):
                    continue
                paths[a, b] = max(paths[a, b], min(first, paths[via, b]))
    return paths


def unbeaten(one: int, candidates: Iterable[int], paths: Mapping[tuple[int, int], int]) -> Fraction:
    """How many others do not beat it."""
    return Fraction(
        sum(paths[one, other] >= paths[other, one] for other in candidates if other != one)
    )


def narrowest(one: int, duels: Duels, to_come: Mapping[int, int]) -> Fraction:
    """The share of ballots that put it above the rival that comes nearest to it.

    `to_come`: by rival, the ballots still out that could rank both, all taken to be against it.
    """
    return min(
        (
            Fraction(won, whole) if (whole := won + duels[other][one] + to_come.get(other, 0))
            else Fraction(0)
            for other, won in duels[one].items()
        ),
        default=Fraction(1),
    )  # fmt: skip
