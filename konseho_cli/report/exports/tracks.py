"""Spans in lanes: who did what, one thing inside another, as every picture of a run draws them.

An agent's calls are in its own lanes, whatever step asks; what a step does itself is in the step's.
What one logical task did nests. Two tasks that overlap are never in one lane: an agent that is asked
twice at a time has two.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from operator import itemgetter
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.engine.outcome import CallRecord, RunOutcome
from konseho_cli.telemetry.spans import OPEN, Span

_About: TypeAlias = tuple[str, str, str]
"""Step, agent and label of a call."""


class Placed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A span with all that is known of it from those around it."""

    span: Span
    step: str
    """Empty outside of any step."""
    agent: str
    label: str
    """Of the ask: the item, round or turn."""

    @property
    def title(self) -> str:
        """`argue round 2` for a call, `step argue` for a step, else the kind."""
        if self.span.kind == "ask":
            return f"{self.step} {self.label}".strip() or "ask"
        return f"step {self.step}" if self.span.kind == "step" else self.span.kind


class Mark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A span begins or ends."""

    placed: Placed
    begins: bool
    at: int
    """Nanoseconds on the run's clock."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Spans that nest, and never overlap otherwise."""

    owner: Literal["run", "step", "agent"]
    name: str
    """Of the run's council, the step or the agent."""
    number: int
    """From 1, among those of one owner."""
    spans: tuple[Placed, ...]
    """As they began."""

    @property
    def title(self) -> str:
        """`critic`, `critic 2`, `step argue`."""
        name = f"step {self.name}" if self.owner == "step" else self.name
        return f"{name} {self.number}" if self.number > 1 else name

    def marks(self) -> Iterator[Mark]:
        """Beginnings and ends, each inside the one before it that has not ended."""
        open_: list[Placed] = []
        for placed in self.spans:
            while open_ and open_[-1].span.closed < placed.span.id:
                yield _end(open_.pop())
            open_.append(placed)
            yield Mark(placed=placed, begins=True, at=placed.span.start)
        while open_:
            yield _end(open_.pop())


class _Open(msgspec.Struct):
    """A lane that is being filled, and when all in it had ended: in time and in the causal order."""

    spans: list[Placed] = msgspec.field(default_factory=list)
    end: int = 0
    closed: int = OPEN

    def has_room_for(self, strand: Sequence[Placed]) -> bool:
        first = strand[0].span
        return not self.spans or (self.end <= first.start and self.closed < first.id)

    def take(self, strand: Sequence[Placed]) -> None:
        self.spans.extend(strand)
        self.end = max([self.end, *(each.span.end for each in strand)])
        self.closed = max([self.closed, *(each.span.closed for each in strand)])


def placed(spans: Sequence[Span]) -> tuple[Placed, ...]:
    """All spans as they began; step, agent and label are those of the nearest that has them."""
    found: dict[int, Placed] = {}
    for span in sorted(spans, key=lambda span: span.id):
        around = None if span.parent is None else found.get(span.parent)
        named = span.attributes
        found[span.id] = Placed(
            span=span,
            step=named.get("step", around.step if around else ""),
            agent=named.get("agent", around.agent if around else ""),
            label=named.get("label", around.label if around else ""),
        )
    return tuple(found.values())


def lanes(spans: Sequence[Span]) -> tuple[Lane, ...]:
    """The run's lane, then those of steps, then those of agents, each as it began."""
    found: dict[tuple[str, str], list[_Open]] = {}
    for owner, strand in _strands(placed(spans)):
        own = found.setdefault(owner, [])
        lane = next((lane for lane in own if lane.has_room_for(strand)), None)
        if lane is None:
            lane = _Open()
            own.append(lane)
        lane.take(strand)
    order = ("run", "step", "agent")
    return tuple(
        Lane(owner=owner, name=name, number=number, spans=tuple(lane.spans))  # type: ignore[arg-type]
        for (owner, name), own in sorted(found.items(), key=lambda item: order.index(item[0][0]))
        for number, lane in enumerate(own, 1)
    )


def calls_of(outcome: RunOutcome) -> Mapping[int, tuple[CallRecord, ...]]:
    """The calls of each ask, by the id of its span; one that was repaired has two."""
    asks: dict[_About, list[Span]] = {}
    for each in placed(outcome.spans):
        if each.span.kind == "ask":
            asks.setdefault((each.step, each.agent, each.label), []).append(each.span)
    calls: dict[_About, list[CallRecord]] = {}
    for call in outcome.calls:
        calls.setdefault((call.step, call.agent, call.label), []).append(call)
    found: dict[int, tuple[CallRecord, ...]] = {}
    for about, own in asks.items():
        found |= _matched(own, calls.get(about, []))
    return found


def _matched(
    asks: Sequence[Span], calls: Sequence[CallRecord]
) -> dict[int, tuple[CallRecord, ...]]:
    """Calls that are about the same, each to an ask around it: to one that has none yet, if it can.

    An ask makes its first call as it begins, and another where the one before it ended.
    """
    waiting = sorted(asks, key=lambda span: (-span.start, -span.id))
    free: list[tuple[int, int, Span]] = []
    """Those that have begun and have no call yet: the one that ends first is the first."""
    found: dict[int, list[CallRecord]] = {}
    ended: list[tuple[int, int, Span]] = []
    """Those that have one, by when the last of theirs ended."""
    for call in sorted(calls, key=lambda call: (call.start, call.end)):
        while waiting and waiting[-1].start <= call.start:
            span = waiting.pop()
            heappush(free, (span.end, span.id, span))
        if free and free[0][0] >= call.end:
            span = heappop(free)[2]
        else:
            place = bisect_right(ended, call.start, key=itemgetter(0))
            while place and ended[place - 1][2].end < call.end:
                place -= 1
            if not place:
                continue
            span = ended.pop(place - 1)[2]
        found.setdefault(span.id, []).append(call)
        insort(ended, (call.end, span.id, span))
    return {span: tuple(own) for span, own in found.items()}


def _strands(all_: Sequence[Placed]) -> Iterator[tuple[tuple[str, str], list[Placed]]]:
    """What one task did for one owner without a break: it nests; in the order of beginnings."""
    owners: dict[int, tuple[str, str, int]] = {}
    strands: dict[tuple[str, str, int, int], list[Placed]] = {}
    for each in all_:
        span = each.span
        above = owners.get(span.parent) if span.parent is not None else None
        if span.kind == "ask" and each.agent:
            owner = ("agent", each.agent, span.id)
        elif span.kind == "step" or above is None:
            kind = "step" if each.step else "run"
            owner = (kind, each.step or str(span.attributes.get("council", "run")), span.id)
        else:
            owner = above
        owners[span.id] = owner
        strands.setdefault((*owner, span.task), []).append(each)
    for (kind, name, _, _), strand in strands.items():
        yield (kind, name), strand


def _end(placed: Placed) -> Mark:
    return Mark(placed=placed, begins=False, at=placed.span.end)
