"""The bus: filtered at the source, batched a tick, not broken by who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from konseho_cli.core.clock import RealClock
from konseho_cli.telemetry.bus import MOST_PENDING, Bus
from konseho_cli.telemetry.events import (
    EVENTS,
    EVERYTHING,
    LEVELS,
    Event,
    RunFinished,
    StepProgressed,
    TextArrived,
    Warned,
)


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


def test_what_is_not_to_be_built_is_wanted_by_nobody() -> None:
    bus = Bus(RealClock(), lambda flush: None, LEVELS["steps"])
    seen: list[object] = []
    bus.subscribe(seen.extend, EVERYTHING)
    assert bus.wanted == LEVELS["steps"]
    none = Bus(RealClock(), lambda flush: None, LEVELS["none"])
    none.subscribe(seen.extend, EVERYTHING)
    assert none.wanted == frozenset()


def test_steps_are_all_that_says_nothing_of_calls() -> None:
    of_calls = {kind for kind in EVENTS if "call" in kind.__struct_fields__}
    assert LEVELS["steps"] == frozenset(EVENTS) - of_calls


def test_a_listener_that_holds_the_run_is_detached_and_named() -> None:
    times = iter([0.0, 0.4, 1.6, 5.0, 5.0, 5.1])
    bus = Bus(RealClock(), lambda flush: None, timer=lambda: next(times))
    slow_seen: list[object] = []
    seen: list[object] = []

    def slow(batch: object) -> None:
        slow_seen.append(batch)

    bus.subscribe(seen.extend)
    bus.subscribe(slow)
    bus.subscribe(seen.extend, patience_s=10)
    bus.emit(progressed("a"))
    bus.flush()
    assert len(bus.warnings) == 1
    assert "slow was detached: it held the run for 1.2 s" in bus.warnings[0]
    times = iter([6.0, 6.1, 6.2])
    bus.flush()
    assert len(slow_seen) == 1
    assert sum(isinstance(event, Warned) for event in seen) == 2  # by each of the two that are left


def test_a_tick_of_a_hundred_thousand_events_is_handed_over_in_parts_and_in_order() -> None:
    bus, ticks = make()
    seen: list[int] = []
    longest = 0

    def listener(batch: Sequence[Event]) -> None:
        nonlocal longest
        longest = max(longest, len(batch))
        seen.extend(event.at for event in batch)

    bus.subscribe(listener)
    for at in range(100_000):
        bus.emit(StepProgressed(at=at, step="s", note=""))
    for tick in ticks:
        tick()
    assert seen == list(range(100_000))
    assert longest == MOST_PENDING


def test_what_each_listener_took_is_counted_by_batch() -> None:
    times = iter([0.0, 2.0, 2.5, 10.0, 10.25, 10.25])
    bus = Bus(RealClock(), lambda flush: None, timer=lambda: next(times))

    def slow(batch: object) -> None:
        """Takes what the timer says."""

    bus.subscribe(slow, patience_s=5)
    bus.subscribe([].extend, frozenset({StepProgressed}))
    bus.emit(progressed("a"))
    bus.emit(progressed("b"))
    bus.flush()
    bus.emit(RunFinished(at=1, run="r", status="ok"))
    bus.flush()
    first, second = bus.listeners
    assert first.name.endswith("slow")
    assert (first.batches, first.events, first.seconds, first.worst_s) == (2, 3, 2.25, 2.0)
    assert (second.batches, second.events, second.seconds) == (1, 2, 0.5)


def test_a_listener_that_was_detached_is_still_accounted_for() -> None:
    bus, _ = make()

    def broken(batch: object) -> None:
        raise OSError("no")

    bus.subscribe(broken)
    bus.emit(progressed("a"))
    bus.flush()
    assert [each.events for each in bus.listeners] == [1]
