"""All stated targets have a verdict in a profile, and a council's own take their place."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.bench.rows.table import ROWS
from konseho_cli.core.units import Count, Duration, Share
from konseho_cli.profiling.targets import bottlenecks, load_stated, profile_verdicts
from konseho_cli.profiling.verdicts import NOT_HERE, Verdict
from konseho_cli.spec.document import Targets
from tests.report.profiles import profiled

WHOLE = profiled()


def found(**stated: Any) -> dict[str, Verdict]:
    """By name, where the council states these."""
    targets = Targets(**stated)
    held = profile_verdicts(WHOLE.recordings, WHOLE.analysis, targets)
    assert len({each.name for each in held}) == len(held)
    return {each.name: each for each in held}


def test_every_stated_target_has_a_verdict_in_the_order_of_the_file() -> None:
    assert list(found()) == list(load_stated())


def test_a_row_that_measures_one_is_there() -> None:
    rows = {row.name for row in ROWS}
    assert {each.row for each in load_stated().values() if each.row} <= rows


def test_what_a_profile_can_measure_it_does() -> None:
    verdicts = found()
    shown = {name: each.measured for name, each in verdicts.items() if each.value is not None}
    assert shown == {
        "creation": "4.0 ms", "step_overhead": "0 µs", "memory_per_agent": "2.5 MiB",
        "event": "100 µs", "context": "12 ms", "delegation": "40 µs", "efficiency": "75 %",
    }  # fmt: skip
    assert not any(each.missed for each in verdicts.values())


def test_the_rest_says_what_measures_it() -> None:
    cold = found()["cold_start"]
    assert (cold.measured, cold.elsewhere) == (NOT_HERE, "konseho bench -k version")
    assert found()["improvement"].elsewhere == "konseho tune"
    assert found()["discovery"].elsewhere == "konseho bench -k discovery"
    assert found()["prompt_cache_hits"].elsewhere == "konseho bench -k prompt_misses"


def test_something_measures_each_of_them() -> None:
    assert "nothing measures it yet" not in {each.elsewhere for each in found().values()}


def test_a_councils_own_targets_stand_first_and_take_the_place_of_stated_ones() -> None:
    verdicts = found(calls=Count(2), creation=Duration("1ms"))
    assert list(verdicts)[:2] == ["calls", "creation"]
    assert verdicts["calls"].missed
    assert verdicts["creation"].missed


def test_what_depends_on_the_council_is_held_to_only_where_it_says_so() -> None:
    assert not found()["efficiency"].missed
    assert found()["efficiency"].elsewhere
    assert found(efficiency=Share("90%"))["efficiency"].missed


def test_without_a_profiler_its_targets_are_not_measured() -> None:
    verdicts = profile_verdicts(WHOLE.recordings[:1], WHOLE.analysis, Targets())
    assert {each.name for each in verdicts if each.measured == NOT_HERE} >= {
        "memory_per_agent", "context",
    }  # fmt: skip


@pytest.mark.parametrize(("times", "is_one"), [(1.4, False), (1.6, True)])
def test_a_step_is_a_bottleneck_above_one_and_a_half_times_its_target(
    times: float, is_one: bool
) -> None:
    outcome = WHOLE.outcome
    first = next(span for span in outcome.spans if span.kind == "step")
    asks = [span for span in outcome.spans if span.kind != "ask"]  # nobody works: all is ours
    took = (first.end - first.start) / 1e9
    idle = structs.replace(outcome, spans=tuple(asks))
    own = Targets(step_overhead=Duration(took / times))
    slow = [each.where for each in bottlenecks(idle, own)]
    assert (first.attributes["step"] in slow) is is_one


def test_a_bottleneck_says_how_far_it_is_from_its_target() -> None:
    outcome = structs.replace(
        WHOLE.outcome, spans=tuple(s for s in WHOLE.outcome.spans if s.kind != "ask")
    )
    worst, *_ = bottlenecks(outcome, Targets())
    assert (worst.topic, worst.where) == ("step", "answers")
    assert worst.what.endswith("38.3 times its target of 100 ms")
    assert worst.saves_s == pytest.approx(3.726, abs=0.001)


def test_a_quick_run_has_none() -> None:
    assert bottlenecks(WHOLE.outcome, Targets()) == ()


def test_what_was_measured_under_cprofile_is_shown_and_refuses_nothing() -> None:
    slowed = (structs.replace(WHOLE.recordings[0], profiler="cpu"), *WHOLE.recordings[1:])
    targets = Targets(delegation=Duration("1us"), calls=Count(1))
    found = {each.name: each for each in profile_verdicts(slowed, WHOLE.analysis, targets)}
    assert (found["delegation"].missed, found["delegation"].refuses) == (True, False)
    assert found["delegation"].measured.endswith(" under cProfile")
    assert found["calls"].refuses
