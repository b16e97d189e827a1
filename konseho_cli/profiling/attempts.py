"""Attempts: the requests of each call, with the waits before them, told from the phases they left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import Span

_PHASES = {"connect": 0, "ttft": 1, "stream": 2}
"""In the order in which an attempt goes through them, each at most once."""
_BEFORE = frozenset({"queue.limit", "queue.rate"})


class Attempt(NamedTuple):
    """One request, or the wait for one that never went out."""

    waits: tuple[Span, ...]
    """For a slot or for room in the minute, directly before it."""
    phases: tuple[Span, ...]
    """Empty: it gave up waiting."""

    @property
    def start(self) -> int:
        """When it was let through."""
        return self.phases[0].start if self.phases else self.end

    @property
    def end(self) -> int:
        """When its last phase ended, or its last wait."""
        return (self.phases or self.waits)[-1].end

    @property
    def first(self) -> Span:
        """Any span of it, for what it is about."""
        return (self.phases or self.waits)[0]


def attempts_of(trace: Trace) -> tuple[Attempt, ...]:
    """All of them, task by task."""
    return tuple(attempt for leaves in trace.leaves.values() for attempt in _of_task(trace, leaves))


def _of_task(trace: Trace, leaves: list[Span]) -> Iterator[Attempt]:
    waits: list[Span] = []
    phases: list[Span] = []
    ask: Span | None = None
    for leaf in leaves:
        around = trace.named(leaf).ask
        if around is not ask or _is_over(phases, leaf):
            if waits or phases:
                yield Attempt(tuple(waits), tuple(phases))
            waits, phases, ask = [], [], around
        if leaf.kind in _BEFORE:
            waits.append(leaf)
        elif leaf.kind in _PHASES:
            phases.append(leaf)
    if waits or phases:
        yield Attempt(tuple(waits), tuple(phases))


def _is_over(phases: list[Span], leaf: Span) -> bool:
    """Whether a leaf belongs to no attempt, or to the next one."""
    if leaf.kind not in _PHASES:
        return bool(phases) or leaf.kind not in _BEFORE
    return bool(phases) and _PHASES[leaf.kind] <= _PHASES[phases[-1].kind]
