"""The laws of an analysis, over generated councils; and what becomes of runs that are not whole."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.engine.executor import Interrupted
from konseho_cli.models.sim import SimModel
from konseho_cli.profiling.analysing import analyse
from konseho_cli.profiling.analysis import Analysis
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.parallel import Parallel

SECOND = 1_000_000_000


def check_the_laws(analysis: Analysis) -> None:
    makespan = analysis.makespan
    assert sum(segment.duration for segment in analysis.path.segments) == makespan
    for shares in (analysis.by_kind, analysis.by_step, analysis.by_agent, analysis.by_model):
        assert sum(share.duration for share in shares) == makespan
        durations = [share.duration for share in shares]
        assert durations == sorted(durations, reverse=True)
        assert all(0 < share.share <= 1 for share in shares)
    for step in analysis.steps:
        assert 0 <= step.overhead <= step.duration - step.working
        assert max(step.waiting.values(), default=0) <= step.duration
        assert step.on_path <= makespan
    for one in analysis.resources:
        assert one.queued_on_path <= one.queued <= makespan
        assert 0 < one.arrivals >= one.waited
        rate = one.arrivals / makespan if makespan else 0.0
        assert abs(one.in_use - rate * one.service) < 1e-9 * max(1, one.in_use)
        assert abs(one.in_queue - rate * one.mean_wait) < 1e-9 * max(1, one.in_queue)
        if one.capacity is not None:
            assert one.in_use <= one.capacity
            assert one.suggested is not None
            assert one.suggested > one.capacity or not one.in_queue
    for one in analysis.stragglers:
        assert 0 <= one.cost <= one.last
        assert 0 <= one.quorum_cost <= one.last
    assert all(stop.saved >= 0 for stop in analysis.early_stops)
    assert 0 <= analysis.lag.p50 <= analysis.lag.p99 <= analysis.lag.worst
    assert analysis.efficiency is None or 0 <= analysis.efficiency <= 1


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    concurrency=st.none() | st.integers(1, 4),
    sim=st.sampled_from(["", "fast", "flaky", "errors=0.6", "instant"]),
    limit=st.none() | st.floats(0.5, 20),
    seed=st.integers(0, 1000),
)
def test_the_figures_of_any_run_hold_together(
    stage, councils, data, concurrency, sim, limit, seed
) -> None:
    outcome = stage.run(
        data.draw(councils.steps), SimModel(sim), agents=councils.agents, concurrency=concurrency,
        time_limit_s=limit, seed=seed,
    )  # fmt: skip
    analysis = analyse(outcome)
    check_the_laws(analysis)
    assert analysis.makespan == outcome.end - outcome.start
    assert analysis.lag.worst == 0, "in virtual time nothing is late"
    assert analysis.call_overhead == 0
    without_calls = analyse(structs.replace(outcome, calls=()))
    assert structs.replace(without_calls, by_model=()) == structs.replace(analysis, by_model=())


def test_time_is_shared_out_by_kind_step_agent_and_model(stage, scripted) -> None:
    outcome = stage.run(
        {"shaky": Ask(agent="ann", on_error="retry"), "verdict": Ask(agent="bob")},
        scripted({"ann": [(1, ModelUnavailable("down")), (2, "up")], "bob": (4, "so")}),
    )
    analysis = analyse(outcome)
    backoff = analysis.makespan - 7 * SECOND
    assert [(one.name, one.duration) for one in analysis.by_kind] == [
        ("ttft", 7 * SECOND), ("backoff", backoff),
    ]  # fmt: skip
    assert analysis.by_kind[0].most == ("verdict/bob 4.0 s", "shaky/ann 3.0 s")
    assert [one.name for one in analysis.by_step] == ["verdict", "shaky"]
    assert [one.name for one in analysis.by_agent] == ["bob", "ann", ""]
    assert {one.name for one in analysis.by_model} == {"test:scripted", ""}


def test_the_worked_example_of_the_documentation_is_right(stage, scripted) -> None:
    """docs/time.md."""
    steps = {"review": Parallel(agents=("ann", "bob", "cid")), "verdict": Ask(agent="dee")}
    script = {"ann": (2, "a"), "bob": (4, "b"), "cid": (1, "c"), "dee": (2, "d")}
    analysis = analyse(stage.run(steps, scripted(script), concurrency=2))
    assert analysis.path.headline() == ("review/bob", "verdict/dee")
    found = {one.agent: (one.drag / SECOND, one.slack / SECOND) for one in analysis.leeway}
    assert found == {"ann": (0, 1), "bob": (1, 0), "cid": (0, 1), "dee": (2, 0)}
    (slots,) = analysis.resources
    assert (slots.queued, slots.queued_on_path, slots.suggested) == (2 * SECOND, 0, 3)
    assert (slots.in_use, analysis.efficiency) == (1.5, 0.75)
    (last,) = analysis.stragglers
    assert (last.agent, last.cost, last.quorum_cost) == ("bob", SECOND, SECOND)


def test_waits_at_the_same_time_are_one_wait(stage, scripted) -> None:
    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob", "cid"))},
        scripted(dict.fromkeys(("ann", "bob", "cid"), (2, "said"))),
        concurrency=1,
    )
    (step,) = analyse(outcome).steps
    assert step.waiting == {"queue.limit": 4 * SECOND}
    assert (step.duration, step.working, step.overhead) == (6 * SECOND, 6 * SECOND, 0)


def test_a_run_that_was_interrupted_is_analysed_as_far_as_it_came(stage, scripted) -> None:
    def stop(loop) -> None:
        loop.call_later(1.5, lambda: stage.execution.stop(Interrupted("by hand")))

    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob")), "verdict": Ask(agent="cid")},
        scripted({"ann": (1, "a"), "bob": (4, "b")}), during=stop, concurrency=1,
    )  # fmt: skip
    assert outcome.status == "interrupted"
    analysis = analyse(outcome)
    check_the_laws(analysis)
    assert [step.step for step in analysis.steps] == ["review"]


def test_without_a_root_there_is_nothing_to_say(stage) -> None:
    outcome = stage.run({"one": Ask(agent="ann")})
    rootless = structs.replace(
        outcome, spans=tuple(span for span in outcome.spans if span.kind != "run")
    )
    for spans in (rootless.spans, ()):
        analysis = analyse(structs.replace(outcome, spans=spans))
        check_the_laws(analysis)
        assert (analysis.makespan, analysis.steps, analysis.leeway) == (0, (), ())


def test_a_council_of_no_steps_has_no_path(stage) -> None:
    check_the_laws(analyse(stage.run({})))
