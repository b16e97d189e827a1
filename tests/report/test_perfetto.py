from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.perfetto import perfetto_trace
from konseho_cli.telemetry.spans import WAITS
from tests.report.profiles import profiled

try:
    from google.protobuf.unknown_fields import UnknownFieldSet
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as official
except ImportError:  # the descriptors that Perfetto itself publishes
    if os.environ.get("CI"):
        raise
    pytest.skip("perfetto is not installed: pip install -e '.[dev]'", allow_module_level=True)


def read(found: Profiled) -> Any:
    trace = official.Trace()
    trace.ParseFromString(perfetto_trace(found))
    return trace


def events(trace: Any, kind: int) -> Iterator[Any]:
    return (
        packet
        for packet in trace.packet
        if packet.HasField("track_event") and packet.track_event.type == kind
    )


@pytest.mark.parametrize("council", ["quickstart", "research-split", "architecture-debate"])
def test_perfettos_own_descriptors_read_it_to_the_last_field(council: str) -> None:
    trace = read(profiled(council))
    for packet in trace.packet:
        inside = (packet.track_event, packet.track_descriptor, packet.track_descriptor.process)
        notes = packet.track_event.debug_annotations
        assert not any(map(len, map(UnknownFieldSet, (packet, *inside, *notes))))
    tracks = {
        packet.track_descriptor.uuid: packet.track_descriptor
        for packet in trace.packet
        if packet.HasField("track_descriptor")
    }
    names = [track.name for track in tracks.values()]
    assert {"critical path", "memory"} < set(names)
    for packet in trace.packet:
        if packet.HasField("track_event"):
            assert packet.track_event.track_uuid in tracks
    process = next(track for track in tracks.values() if track.HasField("process"))
    assert all(track.parent_uuid == process.uuid for track in tracks.values() if track != process)


def test_slices_of_a_track_nest_and_all_are_ended() -> None:
    open_: dict[int, int] = {}
    for packet in read(profiled()).packet:
        event = packet.track_event
        if packet.HasField("track_event") and event.type in (1, 2):
            depth = open_.get(event.track_uuid, 0) + (1 if event.type == 1 else -1)
            assert depth >= 0
            open_[event.track_uuid] = depth
    assert not any(open_.values())


def test_every_waker_is_an_arrow_that_begins_before_it_ends() -> None:
    whole = profiled()
    spans = {span.id: span for span in whole.outcome.spans}
    woken = {span.id + 1 for span in spans.values() if span.waker in spans}
    assert any(span.kind in WAITS for span in spans.values() if span.id + 1 in woken)
    begun, ended, last = set(), set(), 0
    for packet in read(whole).packet:
        if not packet.HasField("track_event") or packet.track_event.track_uuid < 16:
            continue
        assert packet.timestamp >= last
        last = packet.timestamp
        begun |= set(packet.track_event.flow_ids)
        arrived = set(packet.track_event.terminating_flow_ids)
        assert arrived <= begun
        ended |= arrived
    assert begun == ended == woken


def test_a_call_says_what_it_took() -> None:
    asked = next(
        packet.track_event
        for packet in events(read(profiled()), 1)
        if list(packet.track_event.categories) == ["ask"]
    )
    said = {note.name: getattr(note, note.WhichOneof("value")) for note in asked.debug_annotations}
    assert said["step"] == "answers"
    assert said["model"].startswith("sim")
    assert said["input_tokens"] > 0


def test_memory_is_a_counter_that_may_begin_before_the_run() -> None:
    found = [
        (packet.timestamp, packet.track_event.counter_value)
        for packet in events(read(profiled()), 4)
    ]
    assert found == [(0, 50 << 20), (1_050_000_000, 60 << 20)]


def test_without_a_look_at_memory_the_clock_begins_with_the_run() -> None:
    whole = profiled()
    trace = read(structs.replace(whole, recordings=whole.recordings[:1]))
    assert min(packet.timestamp for packet in events(trace, 1)) == 0
    assert not list(events(trace, 4))
