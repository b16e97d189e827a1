"""The law of the critical path: walking back by wakers gives the makespan, exactly."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.sim import SimModel
from konseho_cli.profiling.critical_path import CriticalPath, critical_path
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.parallel import Parallel

WORK = {"ttft", "stream", "backoff"}


def check_the_law(outcome: RunOutcome) -> CriticalPath:
    path = critical_path(outcome.spans)
    assert sum(segment.duration for segment in path.segments) == outcome.end - outcome.start
    moment = outcome.start
    for segment in path.segments:
        assert segment.start == moment, "segments must touch"
        moment = segment.end
    assert moment == outcome.end
    return path


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    concurrency=st.none() | st.integers(1, 4),
    sim=st.sampled_from(["", "fast", "slow", "flaky", "errors=0.6", "instant"]),
    limit=st.none() | st.floats(0.5, 20),
    seed=st.integers(0, 1000),
)
def test_the_segments_of_any_run_sum_to_its_makespan(
    stage, councils, data, concurrency, sim, limit, seed
) -> None:
    steps = data.draw(councils.steps)
    outcome = stage.run(
        steps,
        SimModel(sim),
        agents=councils.agents,
        concurrency=concurrency,
        time_limit_s=limit,
        seed=seed,
    )
    path = check_the_law(outcome)
    timers = any(step.timeout is not None for step in steps.values())
    if outcome.status in ("ok", "degraded") and not timers:  # a timer ends any wait by itself
        kinds = {segment.kind for segment in path.segments if segment.duration}
        assert kinds <= WORK, "in virtual time nothing else takes time"
    again = stage.run(
        steps,
        SimModel(sim),
        agents=councils.agents,
        concurrency=concurrency,
        time_limit_s=limit,
        seed=seed,
    )
    assert again.end - again.start == outcome.end - outcome.start
    assert again.answer == outcome.answer


def test_the_path_goes_through_the_slowest_agents(stage, scripted) -> None:
    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob")), "verdict": Ask(agent="cid")},
        scripted({"ann": (1, "a"), "bob": (4, "b"), "cid": (2, "c")}),
    )
    path = check_the_law(outcome)
    assert path.headline() == ("review/bob", "verdict/cid")
    assert [segment.duration / 1e9 for segment in path.segments if segment.duration] == [4, 2]


def test_a_wait_for_a_slot_leads_to_who_held_it(stage, scripted) -> None:
    outcome = stage.run(
        {"review": Parallel(agents=("ann", "bob"))},
        scripted({"ann": (3, "a"), "bob": (2, "b")}),
        concurrency=1,
    )
    assert check_the_law(outcome).headline() == ("review/ann", "review/bob")


def test_going_on_at_the_quorum_is_decided_by_the_deciding_finisher(stage, scripted) -> None:
    team = Parallel(agents=("ann", "bob", "cid"), quorum=2, wait="quorum")
    outcome = stage.run(
        {"team": team}, scripted({"ann": (3, "a"), "bob": (1, "b"), "cid": (9, "c")})
    )
    assert check_the_law(outcome).headline() == ("team/ann",)


def test_a_failed_attempt_and_its_backoff_are_on_the_path(stage, scripted) -> None:
    outcome = stage.run(
        {"shaky": Ask(agent="ann", on_error="retry")},
        scripted({"ann": [(1, ModelUnavailable("down")), (2, "up")]}),
    )
    kinds = [segment.kind for segment in check_the_law(outcome).segments if segment.duration]
    assert kinds == ["ttft", "backoff", "ttft"]
