"""What is said about the event loop: of listeners, of events, of what is computed."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from konseho_cli.profiling.analysis import Lag
from konseho_cli.profiling.cpu_profile import CpuProfile, GroupTime
from konseho_cli.profiling.findings.loop import cpu_findings, loop_findings
from konseho_cli.telemetry.bus import ListenerTime
from tests.profiling.findings.test_time import OUTCOME, QUIET, SECOND


def listener(name: str, seconds: float, worst_s: float, events: int = 10) -> ListenerTime:
    return ListenerTime(name=name, batches=5, events=events, seconds=seconds, worst_s=worst_s)


def found(*listeners: ListenerTime, **fields: Any) -> list[tuple[str, str, float]]:
    outcome = structs.replace(OUTCOME, listeners=listeners)
    candidates = loop_findings(outcome, structs.replace(QUIET, **fields))
    return [(each.finding.topic, each.finding.where, each.finding.saves_s) for each in candidates]


def test_a_listener_that_holds_the_loop_is_named() -> None:
    assert found(listener("slow", 2.0, 0.5), listener("quick", 0.01, 0.001)) == [
        ("listener", "slow", 2.0)
    ]


def test_many_events_are_another_matter_than_a_slow_listener() -> None:
    assert found(listener("file", 0.9, 0.2, events=100_000)) == [("events", "file", 0.9)]


def test_a_late_loop_is_told_where_nobody_is_known_to_hold_it() -> None:
    late = Lag(count=100, p50=0, p99=SECOND // 10, worst=SECOND, worst_step="review")
    assert found(lag=late) == [("overhead", "review", 1.0)]
    assert found(listener("slow", 2.0, 0.5), lag=late) == [("listener", "slow", 2.0)]


def test_the_part_that_computes_most_is_named_where_computing_matters() -> None:
    groups = (
        GroupTime(name="waiting", calls=9, own_s=8.0, share=0.0),
        GroupTime(name="event emission", calls=9, own_s=1.5, share=0.75),
    )
    cpu = CpuProfile(functions=(), groups=groups, total_s=10.0, waiting_s=8.0, threads=0)
    one = next(cpu_findings(cpu, 10.0)).finding
    assert (one.where, "--events steps" in one.advice) == ("event emission", True)
    assert [*cpu_findings(cpu, 100.0)] == []
