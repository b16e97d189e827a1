"""What followed from what in a run: moments, and how long after one another they could be earliest.

Moments are the starts and ends of spans, and the moments in the midst of a span at which it woke or
started another task. An arc `(from, to, nanoseconds, owner)` says that one moment cannot be earlier
than so long after another. Along a task time goes by as it did; what ended a wait with a waker is
the waker, and a barrier needs all branches that it heard, a step all that it needs. By arcs that
are no longer than what was recorded, so the longest path to each moment is its recorded time.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeAlias

from konseho_cli.profiling.time.rounds import rounds_of
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.telemetry.spans import Span

NOBODY = -1
"""The owner of time that no call took."""
NEVER = -(1 << 62)
"""Longest way to the end from what the end did not need."""


Arc: TypeAlias = tuple[int, int, int, int]
"""From one moment to another by number, nanoseconds, and the id of the ask whose own time it is."""


class Graph:
    """All moments in the causal order, the arcs into and out of each, and the way to the end."""

    def __init__(self, trace: Trace) -> None:
        assert trace.run is not None
        drawn = _Drawing(trace)
        keys = sorted(drawn.times)
        place = {key: number for number, key in enumerate(keys)}
        self.place = place
        """The number of a moment by its key: see `starts` and `ends`."""
        self.times = [drawn.times[key] for key in keys]
        self.sink = place[ends(trace.run)]
        self.into: list[list[Arc]] = [[] for _ in keys]
        self.out: list[list[Arc]] = [[] for _ in keys]
        for source, target, weight, owner in drawn.arcs:
            arc = (place[source], place[target], weight, owner)
            self.into[arc[1]].append(arc)
            self.out[arc[0]].append(arc)
        self.rest = self._rests()
        """Nanoseconds of the longest way from a moment to the end of the run, or NEVER."""

    def _rests(self) -> list[int]:
        rest = [NEVER] * len(self.times)
        rest[self.sink] = 0
        for number in range(self.sink - 1, -1, -1):
            for _, target, weight, _ in self.out[number]:
                if rest[target] + weight > rest[number]:
                    rest[number] = rest[target] + weight
        return [way if way >= 0 else NEVER for way in rest]


def starts(span: Span) -> int:
    """The key of the moment at which a span began; keys are in the causal order."""
    return 2 * span.id


def ends(span: Span) -> int:
    """The key of the moment at which it ended."""
    return 2 * span.closed


class _Drawing:
    """The graph in the making: moments by key, arcs between keys."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.times: dict[int, int] = {}
        self.arcs: list[tuple[int, int, int, int]] = []
        self.tasks: dict[int, list[int]] = {}
        self.handed: set[int] = set()
        """Ends of waits that others ended: the task alone did not take that long."""
        for span in trace.spans:
            self.times[starts(span)], self.times[ends(span)] = span.start, span.end
            self.tasks.setdefault(span.task, []).extend((starts(span), ends(span)))
        self._draw_waits()
        self._draw_starts()
        self._draw_joins()
        for task, keys in self.tasks.items():
            self._draw_task(task, sorted(keys))

    def _moment_of(self, span: Span, before: int, at: int) -> int:
        """The moment at which a span did something to what happened at the key `before`."""
        if ends(span) < before:
            return ends(span)
        key = before - 1
        self.times[key] = at
        self.tasks[span.task].append(key)
        return key

    def _draw_waits(self) -> None:
        for leaves in self.trace.leaves.values():
            for wait in leaves:
                waker = self.trace.waker(wait)
                if waker is None:
                    continue
                moment = self._moment_of(waker, ends(wait), wait.end)
                self.handed.add(ends(wait))
                self._arc(moment, ends(wait))

    def _draw_starts(self) -> None:
        run = self.trace.run
        for task, spans in self.trace.by_task.items():
            first, starter = spans[0], self.trace.starter(task)
            if first is not run and starter.task != task:
                self._arc(self._moment_of(starter, starts(first), first.start), starts(first))

    def _draw_joins(self) -> None:
        """What a barrier or a step waited for beside what came last."""
        for each in rounds_of(self.trace):
            if ends(each.barrier) in self.handed:
                for last in each.ended:
                    self._join(last, ends(each.barrier), each.woken)
        steps: dict[str, Span] = {}
        for step in (span for span in self.trace.spans if span.kind == "step"):
            steps[step.attributes["step"]] = step  # of several tries of a loop the latest
            needs = [
                steps[name] for name in step.attributes.get("needs", "").split() if name in steps
            ]
            woken = max((need.end for need in needs), default=step.start)
            for need in needs:
                self._join(need, starts(step), woken)

    def _join(self, span: Span, key: int, woken: int) -> None:
        """As if it had been the last: the wake would have taken as long as it did."""
        if ends(span) < key and span.end <= woken <= self.times[key]:
            self.arcs.append((ends(span), key, self.times[key] - woken, NOBODY))

    def _arc(self, source: int, target: int) -> None:
        self.arcs.append((source, target, self.times[target] - self.times[source], NOBODY))

    def _draw_task(self, task: int, keys: list[int]) -> None:
        """One thing after another; `keys` in order."""
        owners = self._owners(task, keys)
        for source, target, owner in zip(keys, keys[1:], owners, strict=False):
            weight = self.times[target] - self.times[source]
            self.arcs.append((source, target, 0 if target in self.handed else weight, owner))

    def _owners(self, task: int, keys: list[int]) -> list[int]:
        """Whose time went by after each of these moments of one task."""
        trace, owners = self.trace, [NOBODY] * len(keys)
        for span in trace.by_task[task]:
            if trace.works(span) or span.kind == "backoff":
                ask = trace.named(span).ask
                if ask is not None:
                    number = bisect_right(keys, starts(span)) - 1
                    while keys[number] < ends(span):
                        owners[number] = ask.id
                        number += 1
        return owners
