"""What-ifs of steps inside of steps: by their places, in every iteration."""

from __future__ import annotations

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.whatif.changes import Changes, Pace, StepChange
from konseho_cli.profiling.whatif.rehearsal import best, predict
from konseho_cli.profiling.whatif.stated import Said
from tests.profiling.whatif.test_rehearsal import council, rehearse, team


def loop(*steps, **more):
    return {"id": "polish", "kind": "loop", "max": 3, "steps": list(steps), **more}


DRAFT = {"id": "draft", "kind": "ask", "agent": "ann"}


def of_step(step, **fields):
    return Changes(
        steps=tuple(StepChange(step=step, field=each, value=fields[each]) for each in fields)
    )


def test_unchanged_it_is_the_run_again(really_run):
    run = really_run(council(loop(team(), DRAFT)), seed=2)
    rehearsal = rehearse(run)
    assert rehearsal.unchanged.after_s == pytest.approx(run.outcome.duration_s, abs=1e-6)
    assert rehearsal.unchanged.guessed == 0


def test_a_step_inside_is_changed_by_its_place(really_run):
    run = really_run(council(loop(team(), DRAFT), use="sim:ttft=1s,tps=40"), seed=5)
    found = predict(run.stored, run.spans, of_step("polish.team", wait="quorum", quorum=1))
    assert found.saved_s > 0
    assert found.options == ("--step polish.team.wait=quorum", "--step polish.team.quorum=1")
    with pytest.raises(UsageError, match="this run has no such step"):
        predict(run.stored, run.spans, of_step("polish.teams", wait="quorum"))


def test_the_last_dot_is_before_the_field():
    assert Said(steps=["polish.team.quorum=2"]).changes().steps == (
        StepChange(step="polish.team", field="quorum", value=2),
    )


def test_iterations_that_were_never_made_take_the_median_of_those_that_were(really_run):
    document = council(loop(DRAFT), {"id": "end", "kind": "ask", "agent": "ann"})
    run = really_run(document, seed=4)
    times = sorted(
        call.end - call.start for call in run.outcome.calls if call.step.startswith("polish")
    )
    found = predict(run.stored, run.spans, of_step("polish", max=4))
    assert found.guessed == 1
    more = found.after_s - run.outcome.duration_s
    assert more == pytest.approx(times[1] / 1e9, abs=0.01)
    fewer = predict(run.stored, run.spans, of_step("polish", max=1))
    assert fewer.saved_s == pytest.approx((sum(times) - _first(run)) / 1e9, abs=0.01)


def _first(run):
    return next(c.end - c.start for c in run.outcome.calls if c.step == "polish.1.draft")


def test_half_the_time_of_an_agent_holds_in_all_iterations(really_run):
    run = really_run(council(loop(DRAFT)))
    found = predict(run.stored, run.spans, Changes(agents={"ann": Pace(factor=0.5)}))
    assert found.after_s == pytest.approx(run.outcome.duration_s / 2)


def test_what_is_worth_a_try_names_steps_inside_by_their_places(really_run):
    run = really_run(council(loop(team()), use="sim:ttft=1s,tps=20"), seed=1)
    options = {option for found in best(run.stored, run.spans) for option in found.options}
    assert "--step polish.team.wait=quorum" in options


def test_what_cannot_be_set_is_not_tempting(really_run):
    vote = {"id": "pick", "kind": "vote", "candidates": ["x", "y"], "method": "moderator",
            "voters": ["ann", "bob", "cid"], "moderator": "ann"}  # fmt: skip
    run = really_run(council(loop(vote)), seed=2)
    found = best(run.stored, run.spans)
    assert not any("early_stop" in option for each in found for option in each.options)


@pytest.mark.parametrize("seed", range(6))
def test_who_was_cut_short_while_asked_again_is_cut_short_again(really_run, seed):
    race = team(wait="quorum", quorum=1, on_error="continue", timeout="6s")
    document = council(loop(race), use="sim:flaky,errors=0.5")
    run = really_run(document, max_concurrency=2, seed=seed)
    cut = [call for call in run.outcome.calls if call.status == "cancelled" and call.retries]
    assert cut or seed != 1  # or else nothing is shown
    rehearsal = rehearse(run)
    assert rehearsal.unchanged.after_s == pytest.approx(run.outcome.duration_s, abs=1e-6)
    assert rehearsal.unchanged.guessed == 0


def test_a_program_that_was_never_executed_ends_well(really_run):
    tests = {"id": "tests", "kind": "command", "argv": ["true"], "parse": "json",
             "when": "{{ iteration > 1 }}"}  # fmt: skip
    run = really_run(council(loop(DRAFT, tests, max=1)), allow_exec=True)
    found = predict(run.stored, run.spans, of_step("polish", max=2))
    assert (found.guessed, found.limit_reached) == (2, "")
