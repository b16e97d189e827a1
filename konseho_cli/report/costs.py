"""What the profilers themselves cost, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.profiling.profiled import ProfilerCost
from konseho_cli.profiling.recording import Profiler
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.text import plural

NAMES: dict[Profiler, str] = {
    "spans": "spans", "cpu": "cProfile", "memory": "memory_profiler", "sample": "py-spy",
}  # fmt: skip

_SURE = 3
"""Pairs: of fewer, the median says little."""


def cost_lines(costs: Sequence[ProfilerCost]) -> Iterator[Line]:
    """A row for each."""
    if not costs:
        return
    yield (
        Piece("Cost of looking", "strong"),
        Piece("  of replays at once, with and without; a run that waits feels less", "dim"),
    )
    width = max(len(NAMES[cost.profiler]) for cost in costs)
    for cost in costs:
        yield (
            Piece(f"{GAP}{NAMES[cost.profiler]:{width}}  CPU {_times(cost.cpu)}"),
            Piece(f"  wall {_times(cost.wall)}"),
            Piece(f"  {plural(cost.pairs, 'pair')}{_doubt(cost)}", "dim"),
        )


def _times(ratio: float) -> str:
    """No profiler makes a run faster: below 1 is what the machine did meanwhile."""
    return f"{ratio:.2f} ×" if ratio >= 1 else "≤ 1 ×"


def _doubt(cost: ProfilerCost) -> str:
    return ": too few to be sure" if cost.pairs < _SURE else ""
