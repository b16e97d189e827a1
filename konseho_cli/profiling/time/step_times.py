"""What the time of each step, and of each call, was: work, waits, and what is Konseho's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from konseho_cli.engine.within import addresses
from konseho_cli.profiling.time.analysis import StepTime
from konseho_cli.profiling.time.critical_path import Walked
from konseho_cli.profiling.time.intervals import Interval, covered, union
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.telemetry.spans import WAITS, Span

_FOR_OTHERS = "barrier"
"""A wait for what is accounted for by itself."""
_BUSY = WAITS - {_FOR_OTHERS}
INSIDE = "step"
"""A step within: its time is its own."""


def step_times(trace: Trace, walk: Walked, order: Sequence[str]) -> tuple[StepTime, ...]:
    """Every step that began, each followed by those inside of it, which its figures include.

    `order`: the ids of all steps in the order of the file.
    """
    spans: dict[str, list[Span]] = {}
    for span in trace.spans:
        if span.kind == "step":
            spans.setdefault(span.attributes["step"], []).append(span)
    kinds = _kinds(trace, spans)
    on_path: dict[str, int] = {}
    for stretch in walk.stretches:
        for step in addresses(trace.named(stretch.span).step):
            on_path[step] = on_path.get(step, 0) + stretch.end - stretch.start
    return tuple(
        _step_time(step, spans[step], kinds[step], on_path.get(step, 0))
        for step in _ordered(spans, order)
    )


def _kinds(
    trace: Trace, steps: Mapping[str, Sequence[Span]]
) -> dict[str, dict[str, list[Interval]]]:
    """Of each step: when somebody worked in it (``), waited, or a step inside of it ran (`step`)."""
    found: dict[str, dict[str, list[Interval]]] = {step: {} for step in steps}
    for span in trace.spans:
        kind = "" if trace.works(span) else span.kind
        around = addresses(trace.named(span).step)
        if kind == INSIDE:
            around = around[:-1]
        elif kind and kind not in _BUSY:
            continue
        for step in around:
            if step in found:
                found[step].setdefault(kind, []).append((span.start, span.end))
    return found


def _step_time(
    step: str, spans: Sequence[Span], kinds: Mapping[str, Sequence[Interval]], on_path: int
) -> StepTime:
    """A step that was tried again within another is there more than once."""
    return StepTime(
        step=step,
        kind=spans[0].attributes.get("step_kind", ""),
        duration=sum(span.end - span.start for span in spans),
        working=covered(kinds.get("", ())),
        waiting={
            kind: covered(found) for kind, found in sorted(kinds.items()) if kind and kind != INSIDE
        },
        overhead=sum(_left(span.start, span.end, kinds.values()) for span in spans),
        on_path=on_path,
    )


def _ordered(steps: Mapping[str, Sequence[Span]], order: Sequence[str]) -> list[str]:
    """As in the file, each followed by those inside of it as they began."""
    known = {step: place for place, step in enumerate(order)}
    own = {step: spans[0].id for step, spans in steps.items()}

    def place(step: str) -> tuple[int, list[int]]:
        around = addresses(step)
        return known.get(around[0], len(known)), [own[one] for one in around if one in own]

    return sorted(steps, key=place)


def call_overhead(trace: Trace) -> float:
    """Mean nanoseconds of a call in which nobody worked and it waited for nothing."""
    busy: dict[int, list[Interval]] = {}
    asks = [span for span in trace.spans if span.kind == "ask"]
    for span in trace.spans:
        ask = trace.named(span).ask
        if ask is not None and (span.kind in _BUSY or trace.works(span)):
            busy.setdefault(ask.id, []).append((span.start, span.end))
    own = sum(_left(ask.start, ask.end, (busy.get(ask.id, ()),)) for ask in asks)
    return own / len(asks) if asks else 0.0


def _left(start: int, end: int, taken: Iterable[Iterable[Interval]]) -> int:
    """What is in none of these."""
    within = (
        (max(one, start), min(other, end))
        for one, other in union(interval for intervals in taken for interval in intervals)
    )
    return end - start - covered(within)
