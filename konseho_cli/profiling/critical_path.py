"""The critical path: which spans the makespan was made of, by walking back along wakers.

Nothing is estimated: the executor recorded what ended each wait and what started each task. The
walk goes from the end of the run to its start; each segment begins where the next one ends, so
they sum to the makespan exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import OPEN, WAITS, Span


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the critical path; times in nanoseconds on the run's clock."""

    kind: str
    """The span's kind; `compute` where no span of the task was open, `loop_lag` from wake to resume."""
    start: int
    end: int
    step: str
    """Empty outside of any step."""
    agent: str
    label: str
    """Of the ask: the item, round or turn."""

    @property
    def duration(self) -> int:
        """Nanoseconds."""
        return self.end - self.start


class CriticalPath(msgspec.Struct, frozen=True, kw_only=True):
    """All segments, from the start of the run to its end, without gaps."""

    segments: tuple[Segment, ...]

    def headline(self) -> tuple[str, ...]:
        """Who held the run up, in order: `review/security`, `argue round 2/speed`, `pick`."""
        names: list[str] = []
        for segment in self.segments:
            if segment.duration and segment.step and segment.agent:
                label = f" {segment.label}" if segment.label else ""
                name = f"{segment.step}{label}/{segment.agent}"
                if not names or names[-1] != name:
                    names.append(name)
        return tuple(names)


class Stretch(NamedTuple):
    """A stretch of the walk, and the span that it is of."""

    kind: str
    span: Span
    start: int
    end: int


class Handover(NamedTuple):
    """A wait that the path jumped over, to what ended it."""

    wait: Span
    woken: int
    """When it was ended: until then the path is that of its waker."""


class Walked(NamedTuple):
    """The walk, from the start of the run to its end."""

    stretches: tuple[Stretch, ...]
    handovers: tuple[Handover, ...]


def critical_path(spans: Sequence[Span]) -> CriticalPath:
    """Walk a finished run's spans; without the run's own span, as of one that was cut off, no path."""
    trace = Trace(spans)
    return as_path(trace, walked(trace))


def walked(trace: Trace) -> Walked:
    """The walk itself."""
    if trace.run is None:
        return Walked((), ())
    walk = _Walk(trace, trace.run)
    walk.go()
    return Walked(tuple(reversed(walk.found)), tuple(reversed(walk.handovers)))


def as_path(trace: Trace, walk: Walked) -> CriticalPath:
    """The walk by names."""
    segments = []
    for kind, span, start, end in walk.stretches:
        step, agent, label, _ = trace.named(span)
        segments.append(
            Segment(kind=kind, start=start, end=end, step=step, agent=agent, label=label)
        )
    return CriticalPath(segments=tuple(segments))


class _Walk:
    """The walk's state: what was passed so far."""

    def __init__(self, trace: Trace, run: Span) -> None:
        self.trace = trace
        self.run = run
        self.found: list[Stretch] = []
        self.handovers: list[Handover] = []

    def go(self) -> None:
        """From the end back to the start."""
        run, trace = self.run, self.trace
        task, order, time = run.task, run.closed, run.end
        while True:
            leaf = self._last_leaf(task, order)
            if leaf is None:
                first = trace.by_task[task][0]
                self._pass("compute", first, first.start, time)
                if first is run:
                    return
                waker = trace.starter(task)
                task, order, time = waker.task, _before(waker, first.id), first.start
                continue
            ended = min(leaf.end, time) if leaf.closed <= order else time
            self._pass("compute", self._around(leaf), ended, time)
            task, order, time = self._step_over(leaf, order, ended)

    def _step_over(self, leaf: Span, order: int, time: int) -> tuple[int, int, int]:
        """Pass one leaf, or jump to what ended it; where the walk stands then."""
        closed = leaf.closed <= order  # equal: the walk came to it as a waker
        waker = self.trace.waker(leaf)
        if waker is not None and closed:
            woken = min(waker.end, time)
            if woken >= leaf.start:
                self._pass("loop_lag", leaf, woken, time)
                self.handovers.append(Handover(leaf, woken))
                return waker.task, _before(waker, leaf.closed), woken
        kind = leaf.kind if closed or leaf.kind not in WAITS else "loop_lag"
        self._pass(kind, leaf, leaf.start, time)
        return leaf.task, leaf.id, leaf.start

    def _last_leaf(self, task: int, order: int) -> Span | None:
        """The last leaf of a task that had started before `order`."""
        leaves = self.trace.leaves.get(task, [])
        place = bisect_left(leaves, order, key=lambda span: span.id)
        return leaves[place - 1] if place else None

    def _around(self, leaf: Span) -> Span:
        return self.trace.by_id.get(leaf.parent, leaf) if leaf.parent is not None else leaf

    def _pass(self, kind: str, span: Span, start: int, end: int) -> None:
        if end > start:
            self.found.append(Stretch(kind, span, start, end))


def _before(waker: Span, order: int) -> int:
    """The place in the causal order to go on from: the waker's end, or the moment it woke us."""
    return order if waker.closed == OPEN else min(waker.closed, order)
