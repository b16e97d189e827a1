"""Rounds: what each barrier waited for. The branches' tasks are told from their numbers.

A gather numbers the tasks of its branches one after the other, opens its barrier, and only then do
they begin, under the same span as the barrier. So a barrier's branches are the tasks that began
under its parent while it was open, of the lowest numbers that no barrier around it has taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from konseho_cli.profiling.time.trace import Trace
from konseho_cli.telemetry.spans import Span


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One barrier, and the branches that it waited for."""

    barrier: Span
    tasks: tuple[int, ...]
    """All branches in which anything was recorded."""
    ended: tuple[Span, ...]
    """The last span of each branch that ended before the barrier did, the earliest first."""

    @property
    def woken(self) -> int:
        """When the last of them ended."""
        return self.ended[-1].end if self.ended else self.barrier.end

    @property
    def step(self) -> str:
        """Of which step; empty: it is the run's own, and its branches are the steps."""
        step: str = self.barrier.attributes.get("step", "")
        return step


def rounds_of(trace: Trace) -> tuple[Round, ...]:
    """All rounds, in the order in which they began; hedges are none."""
    return tuple(_rounds(trace))


def _rounds(trace: Trace) -> Iterator[Round]:
    under: dict[int | None, list[Span]] = {}
    for spans in trace.by_task.values():
        under.setdefault(spans[0].parent, []).append(spans[0])
    taken: set[int] = set()
    for barrier in trace.spans:
        if barrier.kind != "barrier" or trace.named(barrier).ask is not None:
            continue
        if "after" in barrier.attributes:
            continue  # one branch that waits for others of its round
        near = under.get(barrier.parent, [])
        since = bisect_left(near, barrier.id, key=lambda first: first.id)
        until = bisect_left(near, barrier.closed, key=lambda first: first.id)
        begun = [first.task for first in near[since:until] if first.task not in taken]
        tasks = _own(barrier, begun)
        taken.update(tasks)
        yield Round(barrier=barrier, tasks=tasks, ended=_ended(trace, barrier, tasks))


def _own(barrier: Span, begun: list[int]) -> tuple[int, ...]:
    """Of all that began under it, those that are its own and not of a barrier within."""
    begun.sort()
    if not begun or "step" not in barrier.attributes:
        return tuple(begun)  # steps begin one by one
    beyond = begun[0] + int(barrier.attributes.get("branches", len(begun)))
    return tuple(task for task in begun if task < beyond)


def _ended(trace: Trace, barrier: Span, tasks: tuple[int, ...]) -> tuple[Span, ...]:
    last = [max(trace.by_task[task], key=lambda span: span.closed) for task in tasks]
    found = [span for span in last if span.closed < barrier.closed]
    found.sort(key=lambda span: span.closed)
    return tuple(found)
