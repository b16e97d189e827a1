"""The line through the memory after each of several runs: Theil's and Sen's, with Sen's interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, median

from konseho_cli.profiling.memory_profile import Leak

FEWEST = 10
"""Runs: of fewer, nothing can be said with certainty."""
_Z = NormalDist().inv_cdf(0.975)


def leak(after: Sequence[int]) -> Leak:
    """Pure; `after`: bytes after each run, in turn. Raises ValueError for fewer than FEWEST."""
    if len(after) < FEWEST:
        raise ValueError(f"{len(after)} runs are too few: at least {FEWEST}")
    settled = after[warm_runs(len(after)) :]
    count = len(settled)
    slopes = sorted(
        (settled[later] - settled[earlier]) / (later - earlier)
        for earlier in range(count)
        for later in range(earlier + 1, count)
    )
    # Sen 1968, section 6: the ranks between which 95 % of the slopes' orders lie.
    spread = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Leak(
        after=tuple(after), slope=float(median(slopes)), low=slopes[low], high=slopes[high],
    )  # fmt: skip


def warm_runs(count: int) -> int:
    """How many of the first runs fill caches, and are left out."""
    return count // 2
