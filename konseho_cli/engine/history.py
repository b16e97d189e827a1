"""A stored run as what it came to, and as a cassette: what reports and replays read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.core.clock import Anchor
from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.packing import unpack
from konseho_cli.engine.outcome import (
    ENDED_FIRST,
    CallRecord,
    RunOutcome,
    StepOutcome,
    any_simulated,
)
from konseho_cli.engine.past import latest_end, step_outcome
from konseho_cli.engine.remembered import Remembered, decode
from konseho_cli.engine.within import by_step
from konseho_cli.models.base import Usage, place_of
from konseho_cli.models.cache import CacheStats
from konseho_cli.models.cassette import FORMAT, Answered, Header, unpacked
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.models.service_state import ServiceState
from konseho_cli.steps.blocks import written_steps
from konseho_cli.steps.results import Part
from konseho_cli.store.base import CallKept, RunEnded, SpanKept, StoredRun
from konseho_cli.telemetry.bus import ListenerTime
from konseho_cli.telemetry.spans import Span
from konseho_cli.telemetry.timings import Timing

CUT_OFF = "it was cut off before it came to its end"


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """What the body of a run's end holds. Unknown keys of later versions pass."""

    answer: Any = None
    gate: bool | None = None
    hint: str | None = None
    warnings: tuple[str, ...] = ()
    services: tuple[ServiceState, ...] = ()
    cache: CacheStats | None = None
    results: CacheStats | None = None
    listeners: tuple[ListenerTime, ...] = ()
    creation_s: float | None = None
    timings: tuple[Timing, ...] = ()
    started: float | None = None
    """When its first step could begin: the store was open."""


def recalled(stored: StoredRun, spans: Sequence[SpanKept] = ()) -> RunOutcome:
    """The outcome of a run; times begin at 0, spans are those of its last session.

    A run without an end is `interrupted`. Raises StoreFailed for what cannot be read.
    """
    began, ended = stored.row.began, stored.row.ended
    end = _end(ended)
    status, error = (ended.status, ended.error) if ended else ("interrupted", CUT_OFF)
    return RunOutcome(
        run=began.run,
        council=began.council,
        status=status,
        answer=end.answer,
        gate=end.gate,
        error=error or None,
        hint=end.hint if ended else f"go on with it: konseho resume {began.run}",
        exit_code=0 if not error else ended.exit_status if ended else 130,
        simulated=any_simulated(stored.calls),
        models=began.models,
        steps=_steps(stored),
        calls=tuple(map(_call, stored.calls)),
        warnings=end.warnings,
        anchor=Anchor(wall_s=end.started or began.started, loop_ns=0),
        start=0,
        end=ended.duration if ended else latest_end(stored),
        spans=_last_session(spans),
        services=end.services,
        cache=end.cache,
        results=end.results,
        listeners=end.listeners,
        creation_s=end.creation_s,
        timings=end.timings,
    )


def cassette_of(stored: StoredRun) -> Cassette:
    """What a replay of it reads: the answers of its logical calls. Raises StoreFailed."""
    began = stored.row.began
    remembered = decode(began.document, began.run)
    calls = tuple(latest_calls(stored))
    there, before = _before_the_last_session(stored, calls)
    answers = tuple(
        structs.replace(answered(call), duration=0) if call.identity in there else answered(call)
        for call in calls
    )
    header = Header(
        konseho_cassette=FORMAT, version=began.version, council=began.council, run=began.run,
        seed=remembered.seed, started=began.started, wished=remembered.wished,
    )  # fmt: skip
    warnings = () if stored.row.ended else (f"run {began.run} {CUT_OFF.removeprefix('it ')}",)
    return Cassette(
        file=f"run {began.run}", header=header, attempts=(), answers=answers,
        warnings=warnings, before_s=before / 1e9,
    )  # fmt: skip


def _before_the_last_session(
    stored: StoredRun, calls: Iterable[CallKept]
) -> tuple[set[tuple[str | int, ...]], int]:
    """The calls that the last session was given at once, and how long what it took over had taken.

    A replay repeats that session: only so do its timeouts and limits on time come to the same.
    """
    last = stored.row.began.session
    if last == 1:
        return set(), 0
    began = {step.step: step.start for step in stored.steps}
    given, starts = set[tuple[str | int, ...]](), list[int]()
    for call in calls:
        start = began.get(call.step.partition(".")[0])
        if call.session == last:
            starts.append(call.start if start is None else start)
        elif start is None or call.end <= start:
            given.add(call.identity)
            starts += [] if start is None else [start]
    first = min(starts, default=0)
    ends = (step.end for step in stored.steps if step.start is not None and step.start < first)
    return given, max((end for end in ends if end is not None), default=0)


def answered(call: CallKept) -> Answered:
    """What a call was asked and came to. Raises StoreFailed."""
    try:
        return unpacked(call.body)
    except ValueError as error:
        what = f"a call of step '{call.step}' of run {call.run} cannot be read: {error}"
        raise StoreFailed(what) from error


def latest_calls(stored: StoredRun) -> Iterable[CallKept]:
    """Of each call that of the latest session; there, what came to an end before what did not.

    A session that makes a call again had no use for what there was: it had failed, it was cut
    short, or it was the answer to another request.
    """
    found: dict[tuple[str | int, ...], CallKept] = {}
    for call in stored.calls:
        before = found.get(call.identity)
        if call.status != "cancelled" or before is None or call.session > before.session:
            found[call.identity] = call
    return found.values()


def _end(ended: RunEnded | None) -> _End:
    if ended is None:
        return _End()
    try:
        return msgspec.convert(unpack(ended.body), _End)
    except ValueError as error:
        raise StoreFailed(f"the end of run {ended.run} cannot be read: {error}") from error


def said_in(stored: StoredRun) -> dict[str, tuple[Part, ...]]:
    """What the calls of each step said, by its address. Raises StoreFailed."""
    said: dict[str, list[Part]] = {}
    for call in latest_calls(stored):
        if call.status == "ok":
            said.setdefault(call.step, []).append(_part(call))
    return {step: tuple(parts) for step, parts in said.items()}


def _steps(stored: StoredRun) -> tuple[StepOutcome, ...]:
    """In the order of the file, those that never ended included."""
    remembered: Remembered = decode(stored.row.began.document, stored.row.began.run)
    kept = {step.step: step_outcome(step, 0) for step in stored.steps}
    calls = by_step(
        call for call in latest_calls(stored) if call.step.partition(".")[0] not in kept
    )
    written: Iterable[Mapping[str, Any]] = remembered.council.get("steps", ())
    return tuple(kept.get(step["id"]) or _cut_off(step, calls) for step in written)


def _cut_off(written: Mapping[str, Any], calls: Mapping[str, Sequence[CallKept]]) -> StepOutcome:
    """A step of which nobody wrote down how it ended: what its calls tell of it."""
    own = calls.get(written["id"], ())
    kinds = {place: step["kind"] for place, step in written_steps((written,))}
    inside = dict.fromkeys(call.step for call in own if call.step != written["id"])
    records: list[dict[str, Any]] = [
        {
            "id": address, "kind": kinds.get(place_of(address), ""), "status": "cancelled",
            "reasons": [CUT_OFF], "began_s": min(call.start for call in calls[address]) / 1e9,
            "took_s": None, "details": {},
        }
        for address in inside
    ]  # fmt: skip
    return StepOutcome(
        id=written["id"], kind=written["kind"], status="cancelled",
        reasons=(ENDED_FIRST,),
        parts=tuple(_within(written["id"], call) for call in own if call.status == "ok"),
        details={"steps": records} if records else {},
    )  # fmt: skip


def _within(step: str, call: CallKept) -> Part:
    part = _part(call)
    if call.step == step:
        return part
    return Part(label=f"{call.step.removeprefix(f'{step}.')} / {part.label}", text=part.text)


def _part(call: CallKept) -> Part:
    """What was said in a step that did not end. Raises StoreFailed."""
    reply = answered(call).reply
    label = f"{call.agent} {call.label}" if call.label else call.agent
    return Part(label=label, text="" if reply is None else reply.text)


def _call(call: CallKept) -> CallRecord:
    return CallRecord(
        step=call.step, agent=call.agent, label=call.label, model=call.model, status=call.status,
        usage=Usage(
            input_tokens=call.input_tokens, output_tokens=call.output_tokens,
            cached_tokens=call.cached_tokens, written_tokens=call.written_tokens,
        ),
        cost=call.cost, source=call.source,  # type: ignore[arg-type]
        requests=call.requests, retries=call.retries, hedges=call.hedges,
        wasted=Usage(input_tokens=call.wasted_tokens), error=call.error,
        start=call.start, end=call.end,
    )  # fmt: skip


def _last_session(spans: Sequence[SpanKept]) -> tuple[Span, ...]:
    """Those from the last root on, in the order in which they ended; none without a root."""
    roots = [span.id for span in spans if span.kind == "run"]
    if not roots:
        return ()
    last = max(roots)
    kept = sorted((span for span in spans if span.id >= last), key=lambda span: span.closed)
    return tuple(
        Span.kept(
            id=span.id, parent=span.parent, task=span.task, kind=span.kind, start=span.start,
            end=span.end, closed=span.closed, waker=span.waker,
            attributes=json.loads(span.attributes),
        )
        for span in kept
    )  # fmt: skip
