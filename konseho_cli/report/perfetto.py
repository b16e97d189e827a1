"""A trace for https://ui.perfetto.dev: a track a lane, arrows for wakers, the critical path, memory.

TrackEvent packets, after protos/perfetto/trace of Perfetto v59; the few fields that are used are
written here by their numbers, so that nobody has to install a library for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from konseho_cli.engine.outcome import CallRecord, RunOutcome
from konseho_cli.profiling.critical_path import Segment
from konseho_cli.profiling.memory_profile import MemoryProfile
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.protobuf import double, fixed64, message, text, varint
from konseho_cli.report.tracks import Lane, Mark, calls_of, lanes
from konseho_cli.telemetry.spans import WAITS, Span

SEQUENCE = 1
"""All packets are of one writer."""
_RUN, _PATH, _MEMORY, _FIRST_LANE = 1, 2, 3, 16
"""Tracks by number."""
_BEGIN, _END, _COUNTER = 1, 2, 4
_BYTES_UNIT = 3
_FIRST_STATE = 1
"""The flag of the packet with which a writer begins."""
_EXPLICIT = 3
"""Tracks are ordered by their rank."""


def perfetto_trace(profiled: Profiled) -> bytes:
    """A `.perfetto-trace`. Its clock begins with the run, or with the first look at its memory."""
    outcome = profiled.outcome
    memory = next((each.memory for each in profiled.recordings if each.memory is not None), None)
    early = 0 if memory is None else max(0, -min(point.at for point in memory.points))
    tracks = lanes(outcome.spans)
    writer = _Writer(outcome, early)
    packets = [
        writer.process(profiled),
        *writer.path(profiled.analysis.path.segments),
        *writer.lanes(tracks),
        *(() if memory is None else writer.memory(memory)),
    ]
    return b"".join(message(1, packet) for packet in packets)


class _Writer:
    """Packets of one run; times in them are nanoseconds since the trace began."""

    def __init__(self, outcome: RunOutcome, early: int) -> None:
        self._zero = outcome.start - early
        self._early = early
        self._calls = calls_of(outcome)
        self._outcome = outcome
        self._flows = _flows(outcome)

    def process(self, profiled: Profiled) -> bytes:
        """The process that all tracks are in."""
        name = f"konseho {self._outcome.council} {self._outcome.run}"
        machine = profiled.recordings[0].machine
        described = (
            varint(1, _RUN), text(2, name), message(3, varint(1, 1), text(6, name)),
            varint(11, _EXPLICIT), text(14, f"Python {machine.python} on {machine.platform}"),
        )  # fmt: skip
        return varint(13, _FIRST_STATE) + varint(10, SEQUENCE) + message(60, *described)

    def path(self, segments: tuple[Segment, ...]) -> Iterator[bytes]:
        """The critical path on a track of its own."""
        if not segments:
            return
        yield _track(_PATH, "critical path", rank=0)
        for segment in segments:
            who = "/".join(part for part in (segment.step, segment.agent) if part)
            notes = {"step": segment.step, "agent": segment.agent, "label": segment.label}
            yield self._event(
                segment.start, _BEGIN, _PATH, text(22, segment.kind),
                text(23, f"{segment.kind} {who}".strip()), *_notes(notes),
            )  # fmt: skip
            yield self._event(segment.end, _END, _PATH)

    def lanes(self, tracks: Sequence[Lane]) -> Iterator[bytes]:
        """A track a lane, then all slices in their causal order: arrows are drawn by it."""
        events: list[tuple[int, bytes]] = []
        for rank, lane in enumerate(tracks):
            number = _FIRST_LANE + rank
            yield _track(number, lane.title, rank=2 + rank)
            for mark in lane.marks():
                span = mark.placed.span
                order = span.id if mark.begins else span.closed
                events.append((order, self._slice(number, mark)))
        yield from (packet for _, packet in sorted(events, key=lambda event: event[0]))

    def _slice(self, track: int, mark: Mark) -> bytes:
        """Where one begins or ends."""
        span = mark.placed.span
        arrows = self._flows.get((span.id, mark.begins), ())
        if not mark.begins:
            return self._event(mark.at, _END, track, *arrows)
        named = (text(22, span.kind), text(23, mark.placed.title))
        return self._event(mark.at, _BEGIN, track, *named, *_notes(self._said(mark)), *arrows)

    def memory(self, memory: MemoryProfile) -> Iterator[bytes]:
        """The memory of the process over time."""
        yield _track(_MEMORY, "memory", message(8, varint(3, _BYTES_UNIT)), rank=1)
        for point in memory.points:
            at = point.at + self._zero + self._early
            yield self._event(at, _COUNTER, _MEMORY, varint(30, point.resident))

    def _event(self, at: int, kind: int, track: int, *more: bytes) -> bytes:
        return b"".join(
            (
                varint(8, at - self._zero),
                varint(10, SEQUENCE),
                message(11, varint(9, kind), varint(11, track), *more),
            )
        )

    def _said(self, mark: Mark) -> dict[str, Any]:
        """What a click on the slice shows."""
        placed = mark.placed
        said: dict[str, Any] = {
            "step": placed.step, "agent": placed.agent, "label": placed.label,
            **placed.span.attributes,
        }  # fmt: skip
        calls = self._calls.get(placed.span.id, ())
        return {**said, **_spent(calls)} if placed.span.kind == "ask" and calls else said


def _spent(calls: tuple[CallRecord, ...]) -> dict[str, Any]:
    last, costs = calls[-1], [call.cost for call in calls]
    return {
        "model": last.model,
        "status": last.status,
        "source": last.source,
        "input_tokens": sum(call.usage.input_tokens for call in calls),
        "output_tokens": sum(call.usage.output_tokens for call in calls),
        "retries": sum(call.retries for call in calls),
        **({} if None in costs else {"cost_dollars": float(sum(filter(None, costs)))}),
    }


def _flows(outcome: RunOutcome) -> Mapping[tuple[int, bool], list[bytes]]:
    """The ends of arrows, by span and by whether they are at its beginning.

    A wait ends where what it waited for ends; all else begins where what started it is.
    """
    by_id: dict[int, Span] = {span.id: span for span in outcome.spans}
    found: dict[tuple[int, bool], list[bytes]] = {}
    for span in outcome.spans:
        waker = None if span.waker is None else by_id.get(span.waker)
        if waker is None:
            continue
        is_wait = span.kind in WAITS
        ended = waker.closed < (span.closed if is_wait else span.id)  # else it goes on meanwhile
        found.setdefault((waker.id, not ended), []).append(fixed64(47, span.id + 1))
        found.setdefault((span.id, not is_wait), []).append(fixed64(48, span.id + 1))
    return found


def _track(number: int, name: str, *more: bytes, rank: int) -> bytes:
    described = (varint(1, number), text(2, name), varint(5, _RUN), varint(12, rank), *more)
    return varint(10, SEQUENCE) + message(60, *described)


def _notes(said: Mapping[str, Any]) -> Iterator[bytes]:
    for name, value in said.items():
        if value is not None and value != "":
            yield message(4, text(10, name), _value(value))


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return varint(2, value)
    if isinstance(value, int):
        return varint(4, value)
    return double(5, value) if isinstance(value, float) else text(6, str(value))
