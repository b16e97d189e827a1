"""The bus: filtered at the source, batched a tick, not broken by who listens."""

from __future__ import annotations

from collections.abc import Callable

from konseho_cli.core.clock import RealClock
from konseho_cli.telemetry.bus import Bus
from konseho_cli.telemetry.events import EVENTS, RunFinished, StepProgressed, TextArrived, Warned


def progressed(note: str) -> StepProgressed:
    return StepProgressed(at=0, step="s", note=note)


def make() -> tuple[Bus, list[Callable[[], None]]]:
    ticks: list[Callable[[], None]] = []
    return Bus(RealClock(), ticks.append), ticks


def test_events_come_in_order_in_one_batch_a_tick() -> None:
    bus, ticks = make()
    batches: list[list[str]] = []
    bus.subscribe(lambda batch: batches.append([event.note for event in batch]))
    for note in "abc":
        bus.emit(progressed(note))
    assert batches == []
    assert len(ticks) == 1
    ticks[0]()
    assert batches == [["a", "b", "c"]]


def test_a_listener_gets_the_kinds_it_asked_for() -> None:
    bus, _ = make()
    seen: list[object] = []
    bus.subscribe(seen.extend, frozenset({RunFinished}))
    assert bus.wanted == {RunFinished}
    bus.emit(progressed("x"))
    bus.emit(RunFinished(at=1, run="r", status="ok"))
    bus.flush()
    assert [type(event) for event in seen] == [RunFinished]


def test_streamed_text_is_only_wanted_by_who_asks_for_it() -> None:
    bus, _ = make()
    assert bus.wanted == frozenset()
    bus.subscribe(lambda batch: None)
    assert TextArrived not in bus.wanted
    bus.subscribe(lambda batch: None, frozenset({TextArrived}))
    assert TextArrived in bus.wanted


def test_a_listener_that_raises_is_detached_and_named_and_the_others_go_on() -> None:
    bus, _ = make()
    seen: list[object] = []

    def broken(batch: object) -> None:
        raise OSError("the pipe is gone")

    bus.subscribe(broken)
    bus.subscribe(seen.extend)
    bus.emit(progressed("a"))
    bus.flush()
    bus.emit(progressed("b"))
    bus.flush()
    assert [event.note for event in seen if isinstance(event, StepProgressed)] == ["a", "b"]
    warnings = [event.message for event in seen if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert "broken" in warnings[0]
    assert "the pipe is gone" in warnings[0]


def test_every_event_has_a_name_of_its_own_in_the_past_tense() -> None:
    names = [event.name for event in EVENTS]
    assert len(set(names)) == len(names)
    assert all(name.endswith("ed") for name in names)
