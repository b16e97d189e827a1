"""What is said about waiting, from an analysis made by hand."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.findings.time import time_findings
from konseho_cli.profiling.time.analysis import (
    Analysis,
    EarlyStop,
    Lag,
    Leeway,
    Resource,
    Share,
    StepTime,
    Straggler,
)
from konseho_cli.profiling.time.critical_path import CriticalPath
from konseho_cli.profiling.whatif.changes import Changes
from tests.profiling.test_recording import recorded

SECOND = 10**9
QUIET = Analysis(
    makespan=10 * SECOND, path=CriticalPath(segments=()), by_kind=(), by_step=(), by_agent=(),
    by_model=(), leeway=(), steps=(), resources=(), stragglers=(), early_stops=(),
    lag=Lag(count=0, p50=0, p99=0, worst=0, worst_step=""), call_overhead=0.0, efficiency=None,
)  # fmt: skip
OUTCOME: RunOutcome = recorded().outcome


def _words(changes: Changes | None) -> str:
    return "" if changes is None else changes.words()


def found(**fields: Any) -> list[tuple[str, str, float, str]]:
    analysis = structs.replace(QUIET, **fields)
    return [
        (each.finding.topic, each.finding.where, each.finding.saves_s, _words(each.changes))
        for each in time_findings(OUTCOME, analysis)
    ]


def call(agent: str, seconds: float, drag: float = 0.0) -> Leeway:
    return Leeway(
        step="review", agent=agent, label="", duration=int(seconds * SECOND), waited=0, slack=0,
        drag=int(drag * SECOND),
    )  # fmt: skip


def resource(name: str, on_path: float, **fields: Any) -> Resource:
    known = {
        "capacity": 2, "arrivals": 8, "waited": 6, "queued": 5 * SECOND, "service": 1.0,
        "mean_wait": 1.0, "in_use": 2.0, "in_queue": 1.0, "suggested": 8, **fields,
    }  # fmt: skip
    return Resource(name=name, queued_on_path=int(on_path * SECOND), **known)


def test_who_is_slower_than_those_who_do_the_same_is_named_with_the_difference() -> None:
    calls = (call("ann", 1), call("bob", 1), call("cid", 5, drag=4))
    assert found(leeway=calls) == [("agent", "cid", 4.0, "cid takes 0.2 times the time")]


def test_agents_that_take_alike_are_not_slow_and_neither_is_one_alone() -> None:
    assert found(leeway=(call("ann", 2), call("bob", 2.01, drag=0.01))) == []
    assert found(leeway=(call("ann", 10, drag=10),)) == []


def test_a_person_is_not_slow_and_gets_no_faster_model() -> None:
    said = structs.replace(OUTCOME.calls[0], agent="cid", model="human:Ana", source="human")
    outcome = structs.replace(OUTCOME, calls=(said,))
    calls = (call("ann", 1), call("bob", 1), call("cid", 5, drag=4))
    assert not list(time_findings(outcome, structs.replace(QUIET, leeway=calls)))


def test_who_only_waited_longer_is_not_slow() -> None:
    late = structs.replace(call("cid", 5, drag=4), waited=4 * SECOND)
    assert found(leeway=(call("ann", 1), call("bob", 1), late)) == []


def step(name: str, kind: str = "parallel") -> StepTime:
    return StepTime(
        step=name, kind=kind, duration=10 * SECOND, working=0, waiting={}, overhead=0, on_path=0
    )


def test_a_wait_for_slots_names_the_step_the_setting_and_how_many() -> None:
    queue = resource("max_concurrency", 3.1, most_in="review", queued_there=6 * SECOND)
    analysis = structs.replace(QUIET, steps=(step("plan"), step("review")), resources=(queue,))
    candidate = next(time_findings(OUTCOME, analysis))
    assert candidate.finding.what == (
        "review waits 60 % of its time for a slot of max_concurrency: "
        "3.1 s of the critical path (31 %) in all"
    )
    assert candidate.finding.advice == "set `max_concurrency: 8`"
    assert candidate.changes == Changes(concurrency=8)


def test_each_kind_of_resource_has_its_own_advice_and_what_no_setting_bounds_has_none() -> None:
    resources = (
        resource("concurrency of openai:m", 2), resource("rate of openai:m", 3),
        resource("pool of pieces", 1), resource("max_concurrency", 0.05), resource("backoff", 4),
        resource("the same answer", 4),
    )  # fmt: skip
    assert found(resources=resources) == [
        ("slots", "openai:m", 2.0, "concurrency of openai:m 8"),
        ("rate", "openai:m", 3.0, "rpm of openai:m 1,000,000,000, tpm of openai:m 1,000,000,000"),
        ("slots", "pieces", 1.0, "pieces max_agents: 8"),
    ]


def test_the_last_of_a_parallel_step_costs_what_comes_after_a_majority() -> None:
    late = Straggler(
        step="argue", label="", agent="cid", answers=5, last=4 * SECOND, cost=SECOND,
        quorum_cost=2 * SECOND,
    )  # fmt: skip
    words = "argue quorum: 3, argue wait: quorum"
    assert found(stragglers=(late,), steps=(step("argue"),)) == [("straggler", "argue", 2.0, words)]
    assert found(stragglers=(late,), steps=(step("argue", "debate"),)) == []


def test_a_vote_that_was_decided_early_may_stop_early() -> None:
    stops = (
        EarlyStop(step="pick", stopped=False, saved=SECOND),
        EarlyStop(step="again", stopped=True, saved=SECOND),
        EarlyStop(step="close", stopped=False, saved=1),
    )
    assert found(early_stops=stops) == [("straggler", "pick", 1.0, "pick early_stop: true")]


def test_waits_between_tries_are_about_who_failed() -> None:
    backoff = Share(name="backoff", duration=2 * SECOND, share=0.2)
    assert found(by_kind=(backoff,)) == [("failures", "a model", 2.0, "")]
    assert found(by_kind=(structs.replace(backoff, duration=1),)) == []


def test_a_run_of_no_time_has_nothing_to_save() -> None:
    assert found(makespan=0, leeway=(call("ann", 1), call("cid", 5, drag=4))) == []
