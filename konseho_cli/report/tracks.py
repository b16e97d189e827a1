"""Spans in lanes: who did what, one thing inside another, as every picture of a run draws them.

An agent's calls are in its own lanes, whatever step asks; what a step does itself is in the step's.
What one logical task did nests. Two tasks that overlap are never in one lane: an agent that is asked
twice at a time has two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from konseho_cli.engine.outcome import CallRecord, RunOutcome
from konseho_cli.telemetry.spans import OPEN, Span


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
    asks: dict[tuple[str, str, str], list[Span]] = {}
    for each in placed(outcome.spans):
        if each.span.kind == "ask":
            asks.setdefault((each.step, each.agent, each.label), []).append(each.span)
    found: dict[int, list[CallRecord]] = {}
    for call in outcome.calls:
        for span in asks.get((call.step, call.agent, call.label), ()):
            if span.start <= call.start and call.end <= span.end:
                found.setdefault(span.id, []).append(call)
                break
    return {span: tuple(calls) for span, calls in found.items()}


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
