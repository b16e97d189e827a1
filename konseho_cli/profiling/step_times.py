"""What the time of each step, and of each call, was: work, waits, and what is Konseho's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from konseho_cli.profiling.analysis import StepTime
from konseho_cli.profiling.critical_path import Walked
from konseho_cli.profiling.intervals import Interval, covered, union
from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import WAITS

_FOR_OTHERS = "barrier"
"""A wait for what is accounted for by itself."""
_BUSY = WAITS - {_FOR_OTHERS}


def step_times(trace: Trace, walk: Walked, order: Sequence[str]) -> tuple[StepTime, ...]:
    """Every step that began; `order`: the ids of all steps in the order of the file."""
    spans = {span.attributes["step"]: span for span in trace.spans if span.kind == "step"}
    kinds: dict[str, dict[str, list[Interval]]] = {step: {} for step in spans}
    for span in trace.spans:
        kind = "" if trace.works(span) else span.kind
        step = trace.named(span).step
        if step in kinds and (not kind or kind in _BUSY):
            kinds[step].setdefault(kind, []).append((span.start, span.end))
    on_path: dict[str, int] = {}
    for stretch in walk.stretches:
        step = trace.named(stretch.span).step
        on_path[step] = on_path.get(step, 0) + stretch.end - stretch.start
    known = [*(step for step in order if step in spans), *(spans.keys() - set(order))]
    return tuple(
        StepTime(
            step=step,
            kind=spans[step].attributes.get("step_kind", ""),
            duration=spans[step].end - spans[step].start,
            working=covered(kinds[step].get("", ())),
            waiting={kind: covered(found) for kind, found in sorted(kinds[step].items()) if kind},
            overhead=_left(spans[step].start, spans[step].end, kinds[step].values()),
            on_path=on_path.get(step, 0),
        )
        for step in known
    )


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
