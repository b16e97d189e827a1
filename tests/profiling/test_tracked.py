from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.tracked import tracked_findings
from konseho_cli.steps.ask import Ask
from konseho_cli.telemetry.timings import Timing


@pytest.fixture
def outcome(stage: Any, scripted: Any) -> RunOutcome:
    """A run of ten seconds."""
    return stage.run({"one": Ask(agent="ann")}, scripted({"ann": (10, "Yes.")}))


def timing(name: str, total_s: float, held_s: float = 0.0) -> Timing:
    return Timing(
        name=name, count=4, errors=0, total_s=total_s, min_s=0, max_s=total_s, p95_s=total_s,
        held_s=held_s,
    )  # fmt: skip


def test_who_held_the_loop_is_named_first_and_what_is_short_not_at_all(outcome: RunOutcome) -> None:
    timings = (
        timing("fetch", 2), timing("write", 0.9, 0.3), timing("note", 0.4, 0.04),
        timing("short", 0.09), timing("jerk", 0.07, 0.06),
    )  # fmt: skip
    found = tracked_findings(structs.replace(outcome, timings=timings))
    assert [each.where for each in found] == ["write", "jerk", "fetch", "note"]
    assert {each.topic for each in found} == {"tracked"}
    write, _, fetch, _ = found
    assert (write.saves_s, write.estimated) == (0.9, True)
    assert "held every agent up for 300 ms at once" in write.what
    assert "900 ms in 4 calls (9 % of the run)" in write.what
    assert "to_thread(write" in write.advice
    assert (fetch.what, fetch.saves_s) == ("fetch took 2.0 s in 4 calls (20 % of the run)", 0)


def test_a_run_without_a_tracker_has_none(outcome: RunOutcome) -> None:
    assert outcome.timings == ()
    assert tracked_findings(outcome) == ()
