"""Each planted bottleneck is named first; a council with none has nothing to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from konseho_cli.profiling import leaks
from konseho_cli.profiling.assembling import profiled_of
from konseho_cli.profiling.finding import Finding
from tests.profiling import planted
from tests.report.profiles import recording

EVEN = planted.council(planted.ask_all())
MANY = [f"agent{number}" for number in range(12)]


def first(findings: tuple[Finding, ...]) -> tuple[str, str]:
    assert findings
    return findings[0].topic, findings[0].where


@pytest.mark.parametrize(
    ("plant", "topic", "where"),
    [
        (planted.slow_agent, "agent", "dee"),
        (planted.few_slots, "slots", "max_concurrency"),
        (planted.rate_limited, "rate", "sim:ttft=0.2s,tps=100,tokens=50,spread=0"),
        (planted.huge_context, "context", "review"),
    ],
)
def test_a_planted_bottleneck_is_named_first(plant, topic: str, where: str) -> None:
    profiled = profiled_of([plant()])
    assert first(profiled.findings) == (topic, where)
    assert profiled.findings[0].advice


def test_the_first_recording_is_the_one_whose_time_is_analysed() -> None:
    profiled = profiled_of([recording(), recording("research-split")])
    assert profiled.outcome is recording().outcome
    assert profiled.analysis.makespan == sum(part.duration for part in profiled.analysis.by_kind)


def test_what_a_replay_proves_is_said_without_an_about() -> None:
    slow = planted.few_slots()
    found = profiled_of([slow]).findings[0]
    fast = planted.recorded(planted.council(planted.ask_all(MANY), agents=MANY, max_concurrency=12))
    assert not found.estimated
    assert found.advice == "set `max_concurrency: 12`"
    saved = slow.outcome.duration_s - fast.outcome.duration_s
    assert found.saves_s == pytest.approx(saved, rel=0.01)


def test_chatty_events_are_named_first(tmp_path: Path) -> None:
    recording = planted.chatty_events(tmp_path).recording
    assert first(profiled_of([recording]).findings)[0] == "events"


def test_a_listener_that_blocks_is_named_first() -> None:
    findings = profiled_of([planted.blocking_listener()]).findings
    assert first(findings)[0] == "listener"
    assert "blocking" in findings[0].where


def test_a_leak_is_named_first() -> None:
    leak = leaks.leak(planted.leaking())
    assert first(profiled_of([planted.recorded(EVEN)], leak=leak).findings)[0] == "leak"


def test_a_council_without_a_bottleneck_has_no_findings() -> None:
    quiet = profiled_of([planted.recorded(EVEN)])
    assert quiet.findings == ()


def test_a_run_that_cannot_be_replayed_keeps_its_other_findings() -> None:
    recording = planted.few_slots()
    cut = structs.replace(recording.run, calls=())
    profiled = profiled_of([structs.replace(recording, run=cut)])
    assert profiled.predictions == ()
    assert first(profiled.findings) == ("slots", "max_concurrency")
