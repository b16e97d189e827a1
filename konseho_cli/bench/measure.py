"""Runs a row: ours and its bare peer, interleaved."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter

from konseho_cli.bench.statistics import Round

Sample = Callable[[], float]
"""Does the thing once and returns what it took: seconds or bytes, for one unit of work."""


def seconds_of(work: Callable[[], object]) -> float:
    """What it took to do something once."""
    start = perf_counter()
    work()
    return perf_counter() - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two ways to do the same thing."""

    ours: Sample
    peer: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    """Its key in `profiles/targets.yaml`."""
    title: str
    peer: str
    """What it is compared with."""
    prepare: Callable[[float], AbstractContextManager[Pair]]
    """Sets up at a scale: 1.0 as stated in the title, less for a quick look."""
    costly: bool = False
    """Whether a sample takes so long that fewer rounds have to do."""
    quick: bool = True
    """Whether a quick look has the time for it."""
    most_rounds: int | None = None
    """Where a sample takes many seconds, and varies little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure."""

    rounds: int
    scale: float = 1.0
    costly_scale: float = 1.0
    """And of that, where a sample is costly."""

    def scale_of(self, row: Row) -> float:
        """Less where a sample is costly and the look a quick one."""
        return self.scale * (self.costly_scale if row.costly else 1.0)

    def rounds_of(self, row: Row) -> int:
        """Fewer where a sample is costly."""
        rounds = max(1, self.rounds // 3) if row.costly else self.rounds
        return rounds if row.most_rounds is None else min(rounds, row.most_rounds)


FULL = Effort(rounds=15)
QUICK = Effort(rounds=2, scale=0.2, costly_scale=0.5)


def measure(row: Row, effort: Effort) -> list[Round]:
    """Measure in A B B A rounds, after one round to warm up that does not count."""
    with row.prepare(effort.scale_of(row)) as pair:
        pair.ours(), pair.peer()
        return [_round(pair) for _ in range(effort.rounds_of(row))]


def _round(pair: Pair) -> Round:
    first, second = _settled(pair.ours), _settled(pair.peer)
    third, fourth = _settled(pair.peer), _settled(pair.ours)
    return Round(ours=(first, fourth), peer=(second, third))


def _settled(sample: Sample) -> float:
    gc.collect()  # so that nobody pays for the garbage of who came before
    return sample()
