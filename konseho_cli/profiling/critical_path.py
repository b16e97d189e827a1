"""The critical path: which spans the makespan was made of, by walking back along wakers.

Nothing is estimated: the executor recorded what ended each wait and what started each task. The
walk goes from the end of the run to its start; each segment begins where the next one ends, so
they sum to the makespan exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

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


def critical_path(spans: Sequence[Span]) -> CriticalPath:
    """Walk a finished run's spans; without the run's own span, as of one that was cut off, no path."""
    if not any(span.kind == "run" for span in spans):
        return CriticalPath(segments=())
    return CriticalPath(segments=tuple(reversed(_Walk(spans).segments())))


class _Walk:
    """The walk's state: spans by id, the leaves of each task, and the segments passed."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self.found: list[Segment] = []
        self.by_id = {span.id: span for span in spans}
        holders = {
            span.parent
            for span in self.spans
            if span.parent in self.by_id and self.by_id[span.parent].task == span.task
        }
        self.leaves: dict[int, list[Span]] = {}
        for span in sorted(self.spans, key=lambda span: span.id):
            if span.id not in holders:
                self.leaves.setdefault(span.task, []).append(span)

    def segments(self) -> list[Segment]:
        """From the end back to the start."""
        run = next(span for span in self.spans if span.kind == "run")
        task, order, time = run.task, run.closed, run.end
        while True:
            leaf = self._last_leaf(task, order)
            if leaf is None:
                first = self._first(task)
                self._pass("compute", first, first.start, time)
                if first is run:
                    return self.found
                starter = first.parent if first.waker is None else first.waker
                waker = self.by_id[run.id if starter is None else starter]
                task, order, time = waker.task, _before(waker, first.id), first.start
                continue
            ended = min(leaf.end, time) if leaf.closed < order else time
            self._pass("compute", self._around(leaf), ended, time)
            task, order, time = self._step_over(leaf, order, ended)

    def _step_over(self, leaf: Span, order: int, time: int) -> tuple[int, int, int]:
        """Pass one leaf, or jump to what ended it; where the walk stands then."""
        closed = leaf.closed < order
        waker = self.by_id.get(leaf.waker) if leaf.waker is not None else None
        if leaf.kind in WAITS and waker is not None and closed and waker.closed > leaf.id:
            woken = min(waker.end, time)
            if woken >= leaf.start:
                self._pass("loop_lag", leaf, woken, time)
                return waker.task, _before(waker, leaf.closed), woken
        kind = leaf.kind if closed or leaf.kind not in WAITS else "loop_lag"
        self._pass(kind, leaf, leaf.start, time)
        return leaf.task, leaf.id, leaf.start

    def _last_leaf(self, task: int, order: int) -> Span | None:
        """The last leaf of a task that had started before `order`."""
        leaves = self.leaves.get(task, [])
        place = bisect_left(leaves, order, key=lambda span: span.id)
        return leaves[place - 1] if place else None

    def _first(self, task: int) -> Span:
        """The outermost span of a task: every span of it hangs under another task's."""
        first = self.leaves[task][0]
        while first.parent in self.by_id and self.by_id[first.parent].task == task:
            first = self.by_id[first.parent]
        return first

    def _around(self, leaf: Span) -> Span:
        return self.by_id.get(leaf.parent, leaf) if leaf.parent is not None else leaf

    def _pass(self, kind: str, span: Span, start: int, end: int) -> None:
        if end <= start:
            return
        named = self._named(span)
        self.found.append(
            Segment(
                kind=kind, start=start, end=end, step=named.get("step", ""),
                agent=named.get("agent", ""), label=named.get("label", ""),
            )
        )  # fmt: skip

    def _named(self, span: Span) -> dict[str, str]:
        """Step, agent and label, from the nearest span around it that has them."""
        found: dict[str, str] = {}
        current: Span | None = span
        while current is not None:
            for key in ("step", "agent", "label"):
                if key in current.attributes:
                    found.setdefault(key, current.attributes[key])
            current = self.by_id.get(current.parent) if current.parent is not None else None
        return found


def _before(waker: Span, order: int) -> int:
    """The place in the causal order to go on from: the waker's end, or the moment it woke us."""
    return order if waker.closed == OPEN else min(waker.closed, order)
