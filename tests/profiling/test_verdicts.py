"""Verdicts of a run, and what a run leaves to others to measure."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.units import Duration, Share, Size
from konseho_cli.models.cache import CacheStats
from konseho_cli.profiling.verdicts import MEASURES, NOT_HERE, verdicts
from konseho_cli.spec.document import Targets
from konseho_cli.telemetry.bus import ListenerTime
from tests.report.profiles import profiled

OUTCOME = profiled().outcome


def one(outcome: Any = OUTCOME, **targets: Any) -> Any:
    (verdict,) = verdicts(outcome, Targets(**targets))
    return verdict


def test_every_target_that_a_council_may_state_has_a_measure() -> None:
    assert set(MEASURES) == set(Targets.__struct_fields__)


def test_creation_is_held_to_its_target() -> None:
    assert one(creation=Duration("10ms")).met
    slow = one(creation=Duration("1ms"))
    assert slow.missed
    assert (slow.measured, slow.target) == ("4.0 ms", "1.0 ms")


def test_an_event_is_what_all_listeners_take_for_it() -> None:
    heard = (
        ListenerTime(name="a", batches=1, events=10, seconds=0.02, worst_s=0.02),
        ListenerTime(name="b", batches=1, events=5, seconds=0.01, worst_s=0.01),
    )
    verdict = one(structs.replace(OUTCOME, listeners=heard), event=Duration("1ms"))
    assert verdict.value == pytest.approx(0.003)
    assert verdict.missed


def test_the_least_that_is_allowed_is_the_least() -> None:
    hits = structs.replace(OUTCOME, cache=CacheStats(memory_hits=9, misses=1))
    assert one(hits, cache_hits=Share("90%")).met
    missed = one(hits, cache_hits=Share("95%"))
    assert missed.missed
    assert (missed.bound, missed.target, missed.measured) == ("at least", "95 %", "90 %")


@pytest.mark.parametrize(
    "targets",
    [
        {"memory_per_agent": Size("1MB")}, {"efficiency": Share("70%")},
        {"delegation": Duration("1ms")}, {"context": Duration("1ms")},
        {"cache_hits": Share("1%")},
    ],
)  # fmt: skip
def test_what_a_run_cannot_tell_is_neither_met_nor_missed(targets: dict[str, Any]) -> None:
    verdict = one(**targets)
    assert verdict.measured == NOT_HERE
    assert verdict.elsewhere
    assert not verdict.missed
    assert verdict.value is None


def test_of_a_run_that_was_killed_nobody_knows_how_long_it_took() -> None:
    killed = structs.replace(OUTCOME, spans=[s for s in OUTCOME.spans if s.kind != "run"])
    for target in ({"time": Duration("1m")}, {"step_overhead": Duration("1m")}):
        verdict = one(killed, **target)
        assert (verdict.measured, verdict.value, verdict.missed) == (NOT_HERE, None, False)
