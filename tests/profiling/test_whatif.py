"""What-ifs: a stored run with something changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.models.cache import CacheWishes
from konseho_cli.profiling.changes import Changes, Pace, StepChange
from konseho_cli.profiling.whatif import Rehearsal, best, predict

HALF = Pace(factor=0.5)


def council(
    *steps: dict[str, Any], use: str = "sim:ttft=1s,tps=100", **more: Any
) -> dict[str, Any]:
    agents = {
        name: {"role": f"You are {name}.", "model": "usual"} for name in ("ann", "bob", "cid")
    }
    return {
        "konseho": 1, "name": "panel", "task": "Which way?", "models": {"usual": {"use": use}},
        "agents": agents, "steps": list(steps), **more,
    }  # fmt: skip


def team(**more: Any) -> dict[str, Any]:
    return {"id": "team", "kind": "parallel", "agents": ["ann", "bob", "cid"], **more}


DEBATE = {"id": "argue", "kind": "debate", "agents": ["ann", "bob"], "rounds": 1}


def rehearse(run: Any) -> Rehearsal:
    return Rehearsal(run.stored, run.spans, {})


def changed(step: str, **fields: Any) -> Changes:
    return Changes(
        steps=tuple(StepChange(step=step, field=each, value=fields[each]) for each in fields)
    )


@pytest.mark.parametrize("use", ["sim", "sim:flaky,errors=0.4", "sim:errors=0.8"])
@pytest.mark.parametrize("concurrency", [None, 1, 2])
def test_unchanged_it_is_the_run_again_with_its_waits_and_failures(really_run, use, concurrency):
    document = council(team(on_error="continue"), DEBATE | {"on_error": "continue"}, use=use)
    run = really_run(document, max_concurrency=concurrency, seed=3)
    rehearsal = rehearse(run)
    assert rehearsal.unchanged.after_s == pytest.approx(run.outcome.duration_s, abs=1e-6)
    assert rehearsal.unchanged.guessed == 0
    again = rehearsal.replay(Changes())
    assert [(call.agent, call.status, call.retries) for call in again.calls] == [
        (call.agent, call.status, call.retries) for call in run.outcome.calls
    ]


def test_half_the_time_is_half_the_time(really_run):
    run = really_run(council({"id": "one", "kind": "ask", "agent": "ann"}))
    found = predict(run.stored, run.spans, Changes(agents={"ann": HALF}))
    assert found.after_s == pytest.approx(run.outcome.duration_s / 2)
    assert (found.change, found.options) == ("ann takes half the time", ("--agent ann=0.5x",))
    assert (found.calls, found.guessed, found.approximate) == (1, 0, False)
    fixed = predict(run.stored, run.spans, Changes(models={"usual": Pace(fixed_s=7)}))
    assert fixed.after_s == pytest.approx(7)
    both = Changes(agents={"ann": HALF}, models={"usual": HALF}, overhead_s=0.25)
    joined = predict(run.stored, run.spans, both)
    assert joined.after_s == pytest.approx(run.outcome.duration_s / 4 + 0.25)


def test_rounds_that_never_were_take_their_agents_median(really_run):
    run = really_run(council(DEBATE))
    found = rehearse(run).predict(changed("argue", rounds=3))
    assert (found.calls, found.guessed) == (8, 4)
    assert found.approximate
    assert found.after_s > run.outcome.duration_s


def test_a_share_of_calls_from_a_cache_takes_neither_time_nor_tokens(really_run):
    run = really_run(council(team(), DEBATE))
    rehearsal = rehearse(run)
    shares = [rehearsal.predict(Changes(cache_hit=share / 10)).after_s for share in range(11)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0
    assert rehearsal.replay(Changes(cache_hit=1.0)).usage.total == 0


def test_limits_of_a_model_hold_as_in_a_run(really_run):
    run = really_run(council(team()))
    rehearsal = rehearse(run)
    one = rehearsal.predict(Changes(limits={("usual", "concurrency"): 1}))
    service = sum(call.end - call.start for call in run.outcome.calls) / 1e9
    assert one.after_s == pytest.approx(service)
    slow = rehearsal.predict(Changes(limits={("sim:ttft=1s,tps=100", "rpm"): 1}))
    assert slow.after_s > 60


def test_a_limit_that_is_reached_is_told(really_run):
    run = really_run(council(team(), limits={"time": "10s"}))
    found = rehearse(run).predict(Changes(models={"usual": Pace(factor=50)}))
    assert "10" in found.limit_reached
    assert found.after_s == pytest.approx(10)


def test_what_came_from_the_cache_takes_no_slot_and_no_money(really_run):
    asked = {"kind": "ask", "agent": "ann", "prompt": "{{ task }}"}
    document = council({"id": "one", **asked}, {"id": "two", **asked, "needs": ["one"]})
    run = really_run(document, caching=CacheWishes(cache=True))
    assert [call.source for call in run.outcome.calls] == ["model", "cache"]
    again = rehearse(run).replay(Changes(agents={"ann": HALF}))
    assert [call.source for call in again.calls] == ["model", "cache"]
    assert again.duration_s == pytest.approx(run.outcome.duration_s / 2)


def test_an_answer_that_no_longer_fits_is_guessed(really_run):
    vote = {
        "id": "pick", "kind": "vote", "voters": ["ann", "bob", "cid"], "candidates": "{{ team }}",
    }  # fmt: skip
    run = really_run(council(team(), vote))
    found = rehearse(run).predict(changed("team", wait="quorum", quorum=1))
    assert not found.limit_reached
    assert found.guessed <= 3


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        (Changes(agents={"anne": HALF}), "--agent anne", "'ann'"),
        (Changes(models={"usuall": HALF}), "--model usuall", "'usual'"),
        (Changes(limits={("usualy", "rpm"): 2}), "--rpm usualy", "'usual'"),
        (changed("teem", wait="all"), "--step teem", "'team'"),
        (changed("team", wiat="all"), "--step team.wiat", "'wait'"),
        (changed("team", prompt="x"), "--step team.prompt", "quorum"),
        (changed("team", quorum=9), "above the number of agents", ""),
    ],
)
def test_what_the_run_does_not_know_is_named(really_run, changes, said, hint):
    run = really_run(council(team()))
    with pytest.raises(UsageError, match=said) as refused:
        rehearse(run).predict(changes)
    assert hint in (refused.value.hint or "")


def test_a_run_without_calls_has_nothing_to_change(really_run):
    run = really_run(council(team(when="{{ false }}")))
    with pytest.raises(UsageError, match="no calls"):
        rehearse(run)
    assert best(run.stored, run.spans) == ()


def test_the_best_are_those_that_save_most_and_at_least_a_hundredth(really_run):
    run = really_run(council(team()), max_concurrency=1)
    first, *others = best(run.stored, run.spans)
    assert first.change in ("max_concurrency 2", "max_concurrency 3")
    assert first.saved_s > 0.01 * first.before_s
    assert [each.saved_s for each in others] == sorted(
        (each.saved_s for each in others), reverse=True
    )
    assert len(others) <= 2


def test_within_a_loop_a_thread_foretells(really_run):
    run = really_run(council(team()))

    async def ask() -> float:
        return (await asyncio.to_thread(predict, run.stored, run.spans, Changes())).after_s

    assert asyncio.run(ask()) == pytest.approx(run.outcome.duration_s)
