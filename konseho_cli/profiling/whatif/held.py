"""What a run's calls took by themselves, without the waits of that run: what a what-if replays.

The waits of a call (for slots, rates, another's answer, a backoff) belong to the run as it was; in
a what-if the executor makes them anew. So the service time of a call is its time less its waits.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from konseho_cli.engine.history import answered, latest_calls
from konseho_cli.models.base import Identity, Reply
from konseho_cli.models.cassette import Answered, Failure, identity_of
from konseho_cli.store.base import CallKept, SpanKept, StoredRun
from konseho_cli.telemetry.spans import WAITS

_WORK = frozenset({"connect", "ttft", "stream"})
Interval = tuple[int, int]


class Try(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One attempt of a call that was made again after it."""

    service: int
    """Nanoseconds."""
    backoff: int | None
    """Nanoseconds until the next one; None: it was not waited for to the end."""
    reason: str
    """Why it failed."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One logical call, as it is given again."""

    identity: Identity
    answered: Answered
    model: str
    """Who answered, `provider:model`."""
    service: int
    """Nanoseconds of its last attempt; for one that asked no model, its whole time."""
    first: int
    """Of these, those to the first token."""
    tries: tuple[Try, ...] = ()
    """The attempts before the last one."""

    @property
    def reply(self) -> Reply | None:
        """The answer; None: it failed, or was cut short."""
        return self.answered.reply

    @property
    def failure(self) -> Failure | None:
        """How it failed, if it did."""
        return self.answered.failure

    @property
    def is_from_model(self) -> bool:
        """Whether a model was asked for it."""
        return self.answered.source == "model"

    @property
    def total(self) -> int:
        """Nanoseconds of all its attempts."""
        return self.service + sum(each.service for each in self.tries)


def held_calls(run: StoredRun, spans: Sequence[SpanKept]) -> tuple[Held, ...]:
    """All calls of a run; one that was cut short and made again counts as it was made.

    Raises StoreFailed for what cannot be read.
    """
    phases = _Phases(spans)
    return tuple(_held(call, phases) for call in latest_calls(run))


def _held(call: CallKept, phases: _Phases) -> Held:
    asked = answered(call)
    identity = identity_of(asked.identity)
    if asked.source != "model":
        took = call.end - call.start
        return Held(identity=identity, answered=asked, model=call.model, service=took, first=took)
    waits, works = phases.of(call)
    tries = tuple(_tries(call, waits, works))
    start = max((span.end for span in waits if span.kind == "backoff"), default=call.start)
    last = _within(works, start, call.end)
    first = _length((each.start, each.end) for each in last if each.kind != "stream")
    service = _service(waits, works, start, call.end)
    return Held(
        identity=identity, answered=asked, model=call.model, service=service,
        first=min(first, service), tries=tries,
    )  # fmt: skip


def _tries(call: CallKept, waits: Sequence[SpanKept], works: Sequence[SpanKept]) -> Iterator[Try]:
    start = call.start
    for span in waits:
        if span.kind == "backoff":
            reason = str(json.loads(span.attributes).get("reason", "it failed"))
            yield Try(
                service=_service(waits, works, start, span.start),
                backoff=None if span.end == call.end else span.end - span.start, reason=reason,
            )  # fmt: skip
            start = span.end


def _service(waits: Sequence[SpanKept], works: Sequence[SpanKept], start: int, end: int) -> int:
    """Of this stretch, all in which it did not merely wait: what works meanwhile, as a hedge, counts."""
    waited = [_cut(span, start, end) for span in waits]
    worked = [_cut(span, start, end) for span in works]
    idle = _length([*waited, *worked]) - _length(worked)
    return end - start - idle


def _within(spans: Sequence[SpanKept], start: int, end: int) -> list[SpanKept]:
    return [span for span in spans if start <= span.start and span.end <= end]


def _cut(span: SpanKept, start: int, end: int) -> Interval:
    return max(span.start, start), min(span.end, end)


def _length(intervals: Iterable[Interval]) -> int:
    """Of the union."""
    total, reached = 0, 0
    for start, end in sorted(intervals):
        start = max(start, reached)
        if end > start:
            total += end - start
            reached = end
    return total


class _Phases:
    """The waits and the work of each `ask` span, found by step, agent, label and moment."""

    def __init__(self, spans: Sequence[SpanKept]) -> None:
        by_id = {span.id: span for span in spans}
        self._asks: dict[tuple[str, str, str], list[SpanKept]] = defaultdict(list)
        self._below: dict[int, list[SpanKept]] = defaultdict(list)
        for span in sorted(spans, key=lambda span: (span.start, span.id)):
            if span.kind == "ask":
                told = json.loads(span.attributes)
                key = (told.get("step", ""), told.get("agent", ""), told.get("label", ""))
                self._asks[key].append(span)
            elif span.kind in WAITS or span.kind in _WORK:
                ask = _ask_above(span, by_id)
                if ask is not None:
                    self._below[ask].append(span)
        for asks in self._asks.values():
            asks.sort(key=lambda span: (span.end, span.id))

    def of(self, call: CallKept) -> tuple[list[SpanKept], list[SpanKept]]:
        """Its waits and its work, in the order in which they began; nothing where no span is kept."""
        asks = self._asks.get((call.step, call.agent, call.label), [])
        place = bisect_left(asks, call.end, key=lambda span: span.end)
        ask = next((each for each in asks[place:] if each.start <= call.start), None)
        if ask is None:
            return [], []
        own = _within(self._below[ask.id], call.start, call.end)
        return (
            [span for span in own if span.kind in WAITS],
            [span for span in own if span.kind in _WORK],
        )


def _ask_above(span: SpanKept, by_id: dict[int, SpanKept]) -> int | None:
    above = span
    while above.parent is not None and above.parent in by_id:
        above = by_id[above.parent]
        if above.kind == "ask":
            return above.id
    return None
