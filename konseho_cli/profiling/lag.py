"""How late the loop was: from what woke a task to the moment it went on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from konseho_cli.profiling.analysis import Lag
from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import Span


def lag_of(trace: Trace) -> Lag:
    """Of all waits and starts that a span brought about by ending."""
    if trace.run is None:
        return Lag(count=0, p50=0, p99=0, worst=0, worst_step="")
    found = sorted(_lags(trace), key=lambda late: late[0])
    lags = [late for late, _ in found]
    worst, span = found[-1] if found else (0, None)
    return Lag(
        count=len(lags), p50=nearest_rank(lags, 0.5), p99=nearest_rank(lags, 0.99), worst=worst,
        worst_step=trace.named(span).step if span is not None and worst else "",
    )  # fmt: skip


def nearest_rank(ordered: Sequence[int], share: float) -> int:
    """The least of the values that so large a share of them does not exceed; 0 of none."""
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _lags(trace: Trace) -> Iterator[tuple[int, Span]]:
    for leaves in trace.leaves.values():
        for leaf in leaves:
            if leaf.kind == "loop_lag":
                yield leaf.end - leaf.start, leaf
                continue
            waker = trace.waker(leaf)
            if waker is not None and waker.closed < leaf.closed:
                yield leaf.end - max(waker.end, leaf.start), leaf
    for task, spans in trace.by_task.items():
        first, starter = spans[0], trace.starter(task)
        if first is not trace.run and starter.closed < first.id:
            yield first.start - starter.end, first
