"""The executor: order, waiting, failing, ending."""

from __future__ import annotations

import asyncio

import pytest

from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.core.units import Duration
from konseho_cli.engine.executor import Interrupted
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.fields import Fallback, Output
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.events import AskFinished, RunFinished, StepFinished, TextArrived

BROKEN = ModelUnavailable("down")


def starts(outcome) -> dict[str, float]:
    return {
        step.id: (step.start - outcome.start) / 1e9
        for step in outcome.steps
        if step.start is not None
    }


def test_a_step_waits_for_the_step_above_when_it_names_none(stage, scripted) -> None:
    outcome = stage.run({"one": Ask(agent="ann"), "two": Ask(agent="bob")})
    assert starts(outcome) == {"one": 0, "two": 1}
    assert outcome.answer == "bob speaks"


def test_a_fast_branch_does_not_wait_for_a_slow_sibling(stage, scripted) -> None:
    model = scripted({"ann": (10, "slow"), "bob": (1, "fast"), "cid": (1, "after fast")})
    outcome = stage.run(
        {
            "slow": Ask(agent="ann"),
            "fast": Ask(agent="bob", needs=()),
            "next": Ask(agent="cid", prompt="{{ fast }}!"),
            "last": Ask(agent="dee", prompt="{{ slow }} {{ next }}"),
        },
        model,
    )
    assert starts(outcome) == {"slow": 0, "fast": 0, "next": 1, "last": 10}
    assert outcome.duration_s == 11
    assert model.asked("cid") == ["fast!"]


def test_the_default_prompt_shows_task_and_all_earlier_outputs_whole_and_labelled(
    stage, scripted
) -> None:
    long = "x" * 100_000
    model = scripted({"ann": (1, long), "bob": (2, "short")})
    stage.run({"first": Parallel(agents=("ann", "bob")), "then": Ask(agent="cid")}, model)
    prompt = model.asked("cid")[0]
    assert prompt.index("the task") < prompt.index("first / ann") < prompt.index(long)
    assert prompt.index(long) < prompt.index("first / bob") < prompt.index("short")


def test_a_failing_step_halts_the_run_and_cancels_the_rest(stage, scripted) -> None:
    outcome = stage.run(
        {"bad": Ask(agent="ann"), "other": Ask(agent="bob", needs=()), "never": Ask(agent="cid")},
        scripted({"ann": (1, ModelRefused("no such model")), "bob": (5, "late")}),
    )
    assert (outcome.status, outcome.exit_code) == ("failed", 3)
    assert "no such model" in outcome.error
    assert {step.id: step.status for step in outcome.steps} == {
        "bad": "failed", "other": "cancelled", "never": "cancelled",
    }  # fmt: skip
    assert outcome.duration_s == 1
    assert [call.status for call in outcome.calls] == ["failed", "cancelled"]


def test_on_error_continue_goes_on_with_null_and_says_so(stage, scripted) -> None:
    outcome = stage.run(
        {
            "bad": Ask(agent="ann", on_error="continue"),
            "next": Ask(agent="bob", prompt="{{ bad is none }} {{ task }}"),
        },
        model := scripted({"ann": (1, BROKEN)}),
    )
    assert model.asked("bob") == ["true the task"]
    assert outcome.status == "degraded"
    assert outcome.step("bad").status == "failed"
    assert outcome.reasons == ("bad: down",)


def test_on_error_retry_backs_off_and_tries_again(stage, scripted) -> None:
    outcome = stage.run(
        {"shaky": Ask(agent="ann", on_error="retry")},
        scripted({"ann": [(1, BROKEN), (1, BROKEN), (1, "at last")]}),
    )
    assert (outcome.status, outcome.answer) == ("ok", "at last")
    backoffs = [span for span in outcome.spans if span.kind == "backoff"]
    assert len(backoffs) == 2
    first, second = ((span.end - span.start) / 1e9 for span in backoffs)
    assert 0.5 <= first <= 1
    assert 1 <= second <= 2


def test_on_error_retry_halts_when_its_tries_are_used_up(stage, scripted) -> None:
    outcome = stage.run(
        {"shaky": Ask(agent="ann", on_error="retry", retries=1)}, scripted({"ann": (1, BROKEN)})
    )
    assert outcome.status == "failed"
    assert len(outcome.calls) == 2


def test_a_fallback_agent_stands_in_for_the_one_that_failed(stage, scripted) -> None:
    outcome = stage.run(
        {
            "team": Parallel(
                agents=("ann", "bob"), on_error="fallback", fallback=Fallback(agent="cid")
            )
        },
        scripted({"ann": (1, BROKEN)}),
    )
    assert outcome.answer == {"ann": "cid speaks", "bob": "bob speaks"}
    assert outcome.status == "degraded"
    assert outcome.step("team").reasons == ("cid stood in for ann: down",)


def test_a_fallback_value_stands_in_for_the_step(stage, scripted) -> None:
    outcome = stage.run(
        {
            "score": Ask(agent="ann", on_error="fallback", fallback=Fallback(value={"n": 0})),
            "use": Ask(agent="bob", prompt="{{ score.n }}"),
        },
        model := scripted({"ann": (1, BROKEN)}),
    )
    assert model.asked("bob") == ["0"]
    assert outcome.step("score").status == "degraded"


def test_a_dropped_agent_degrades_as_long_as_a_quorum_remains(stage, scripted) -> None:
    team = Parallel(agents=("ann", "bob", "cid"), quorum=2)
    outcome = stage.run({"team": team}, scripted({"bob": (1, BROKEN)}))
    assert outcome.status == "degraded"
    assert list(outcome.answer) == ["ann", "cid"]
    assert outcome.step("team").reasons == ("bob was dropped: down",)


def test_too_few_successes_fail_the_step_at_once(stage, scripted) -> None:
    team = Parallel(agents=("ann", "bob", "cid"), quorum=2)
    outcome = stage.run(
        {"team": team}, scripted({"ann": (1, BROKEN), "bob": (2, BROKEN), "cid": (60, "late")})
    )
    assert outcome.status == "failed"
    assert outcome.duration_s == 2
    assert "2 of 3 failed, 2 must succeed" in outcome.error


def test_wait_quorum_goes_on_at_the_quorum_and_cancels_the_rest(stage, scripted) -> None:
    team = Parallel(agents=("ann", "bob", "cid"), quorum=2, wait="quorum")
    outcome = stage.run(
        {"team": team}, scripted({"ann": (3, "a"), "bob": (1, "b"), "cid": (9, "c")})
    )
    assert outcome.answer == {"ann": "a", "bob": "b"}
    assert (outcome.status, outcome.duration_s) == ("ok", 3)


def test_when_skips_a_step_and_what_depends_on_it_sees_null(stage, scripted) -> None:
    outcome = stage.run(
        {
            "one": Ask(agent="ann"),
            "two": Ask(agent="bob", when="{{ one == 'nothing' }}"),
            "three": Ask(agent="cid", prompt="{{ two is none }}"),
        },
        model := scripted({}),
    )
    assert outcome.step("two").status == "skipped"
    assert model.asked("bob") == []
    assert model.asked("cid") == ["true"]
    assert outcome.status == "ok"


def test_a_condition_that_is_no_boolean_fails_the_step(stage) -> None:
    outcome = stage.run({"one": Ask(agent="ann", when="{{ task }}")})
    assert outcome.status == "failed"
    assert "`when` must be true or false" in outcome.error


def test_a_step_timeout_is_a_failure_of_the_step(stage, scripted) -> None:
    outcome = stage.run(
        {"slow": Ask(agent="ann", timeout=Duration("2s"))}, scripted({"ann": (60, "late")})
    )
    assert outcome.status == "failed"
    assert "timeout of 2.0 s" in outcome.error
    assert outcome.duration_s == 2


def test_the_time_limit_ends_the_run_and_keeps_what_is_finished(stage, scripted) -> None:
    outcome = stage.run(
        {"one": Ask(agent="ann"), "two": Ask(agent="bob")},
        scripted({"bob": (60, "late")}),
        time_limit_s=5.0,
    )
    assert (outcome.status, outcome.exit_code, outcome.duration_s) == ("limit", 5, 5)
    assert outcome.step("one").value == "ann speaks"
    assert outcome.step("two").status == "cancelled"


def test_an_interruption_keeps_what_is_finished(stage, scripted) -> None:
    def interrupt(loop) -> None:
        loop.call_later(1.5, lambda: stage.execution.stop(Interrupted("interrupted by SIGINT")))

    outcome = stage.run(
        {"one": Ask(agent="ann"), "two": Ask(agent="bob")},
        scripted({"bob": (60, "late")}),
        during=interrupt,
    )
    assert (outcome.status, outcome.exit_code, outcome.duration_s) == ("interrupted", 130, 1.5)
    assert outcome.step("one").value == "ann speaks"
    assert [event.status for event in stage.seen(RunFinished)] == ["interrupted"]


def test_the_answer_and_the_gate_are_templates_over_all_steps(stage, scripted) -> None:
    schema = {
        "type": "object",
        "properties": {"approve": {"type": "boolean"}},
        "required": ["approve"],
    }
    outcome = stage.run(
        {"one": Ask(agent="ann"), "verdict": Ask(agent="bob", output=Output(schema=schema))},
        scripted({"bob": (1, '{"approve": false}')}),
        answer="{{ one }} / {{ verdict.approve }}",
        gate="{{ verdict.approve }}",
    )
    assert outcome.answer == "ann speaks / false"
    assert outcome.gate is False


def test_a_gate_that_is_no_boolean_fails_the_run(stage) -> None:
    outcome = stage.run({"one": Ask(agent="ann")}, gate="{{ one }}")
    assert outcome.status == "failed"
    assert "`gate` must be true or false" in outcome.error


def test_an_answer_in_the_wrong_shape_is_repaired_once_with_its_error_shown(
    stage, scripted
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    model = scripted({"ann": [(1, '{"n": "three"}'), (1, '{"n": 3}')]})
    outcome = stage.run({"one": Ask(agent="ann", output=Output(schema=schema))}, model)
    assert outcome.answer == {"n": 3}
    assert outcome.status == "ok"
    roles = [message.role for message in model.requests[1].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert '"three" is not of type "integer"' in model.asked("ann")[1]


def test_an_answer_that_stays_in_the_wrong_shape_is_an_error(stage, scripted) -> None:
    schema = {"type": "object", "required": ["n"]}
    model = scripted({"ann": (1, "```json\n{}\n```")})
    outcome = stage.run({"one": Ask(agent="ann", output=Output(schema=schema))}, model)
    assert outcome.status == "failed"
    assert "not a JSON document" in outcome.error
    assert len(outcome.calls) == 2


def test_every_call_is_accounted_for(stage, scripted) -> None:
    outcome = stage.run({"team": Parallel(agents=("ann", "bob"))})
    assert outcome.usage.total == 6
    assert str(outcome.cost) == "0.02"
    assert len(stage.seen(AskFinished)) == 2
    assert [event.status for event in stage.seen(StepFinished)] == ["ok"]
    assert [event.text for event in stage.seen(TextArrived)] == ["ann speaks", "bob speaks"]


def test_priority_decides_who_starts_first(stage) -> None:
    outcome = stage.run(
        {
            "one": Ask(agent="ann", needs=()),
            "urgent": Ask(agent="bob", needs=(), priority=1),
        }
    )
    order = [
        span.attributes["step"]
        for span in sorted(outcome.spans, key=lambda s: s.id)
        if span.kind == "step"
    ]
    assert order == ["urgent", "one"]


@pytest.mark.parametrize("number", range(3))
def test_a_run_takes_the_same_time_every_time(stage, scripted, number) -> None:
    outcome = stage.run({"a": Parallel(agents=("ann", "bob")), "b": Ask(agent="cid")})
    assert outcome.end - outcome.start == 2 * 10**9


def test_a_stray_cancellation_is_a_failure_and_no_hang(stage) -> None:
    class Fickle:
        async def generate(self, request, call):
            gone = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone

    team = Parallel(agents=("ann", "bob"))
    outcome = stage.run({"one": team}, Fickle())
    assert outcome.status == "failed"
    assert "cancelled from outside" in outcome.error


def test_a_bug_in_a_model_is_raised_as_it_is_and_the_run_is_said_to_have_failed(stage) -> None:
    class Buggy:
        async def generate(self, request, call):
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        stage.run({"one": Parallel(agents=("ann", "bob"))}, Buggy())
    assert [event.status for event in stage.seen(RunFinished)] == ["failed"]


def test_a_run_that_is_cancelled_tells_its_listeners(stage, scripted) -> None:
    def cancel(loop) -> None:
        task = asyncio.current_task(loop)
        loop.call_later(0.5, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        stage.run({"one": Ask(agent="ann")}, during=cancel)
    assert [event.status for event in stage.seen(RunFinished)] == ["interrupted"]
    assert [event.status for event in stage.seen(AskFinished)] == ["cancelled"]


def test_a_bad_gate_does_not_take_the_answer_away(stage) -> None:
    outcome = stage.run({"one": Ask(agent="ann")}, answer="{{ one }}", gate="{{ one }}")
    assert (outcome.status, outcome.answer, outcome.gate) == ("failed", "ann speaks", None)


def test_a_refused_request_is_not_tried_again(stage, scripted) -> None:
    outcome = stage.run(
        {"one": Ask(agent="ann", on_error="retry")}, scripted({"ann": (1, ModelRefused("401"))})
    )
    assert outcome.status == "failed"
    assert len(outcome.calls) == 1


def test_stand_ins_are_calls_of_their_own_and_told_only_when_they_answered(stage, scripted) -> None:
    team = Parallel(
        agents=("ann", "bob", "cid"), quorum=1, on_error="fallback", fallback=Fallback(agent="cid")
    )
    script = {
        "ann": (1, BROKEN),
        "bob": (1, BROKEN),
        "cid": [(1, "own"), (1, "for one"), (1, BROKEN)],
    }
    outcome = stage.run({"team": team}, model := scripted(script))
    assert outcome.answer == {"ann": "for one", "cid": "own"}
    assert outcome.step("team").reasons == ("cid stood in for ann: down", "bob was dropped: down")
    assert len(set(model.identities)) == len(model.identities) == 5


def test_an_agent_does_not_stand_in_for_itself(stage, scripted) -> None:
    step = Ask(agent="ann", on_error="fallback", fallback=Fallback(agent="ann"))
    outcome = stage.run({"one": step}, scripted({"ann": (1, BROKEN)}))
    assert outcome.status == "failed"
    assert len(outcome.calls) == 1


def test_a_skipped_step_is_no_reason_to_doubt_a_run(stage) -> None:
    outcome = stage.run({"one": Ask(agent="ann"), "two": Ask(agent="bob", when=False)})
    assert (outcome.status, outcome.reasons) == ("ok", ())


def test_an_error_names_the_step_it_happened_in(stage, scripted) -> None:
    outcome = stage.run({"one": Ask(agent="ann")}, scripted({"ann": (1, BROKEN)}))
    assert outcome.error == "step 'one' failed: down"


def test_a_listener_that_breaks_is_named_in_the_outcome(stage) -> None:
    def broken(batch) -> None:
        raise OSError("gone")

    outcome = stage.run({"one": Ask(agent="ann")}, listener=broken)
    assert outcome.status == "ok"
    assert len(outcome.warnings) == 1
    assert "gone" in outcome.warnings[0]


def test_one_that_breaks_at_the_very_end_is_named_too(stage) -> None:
    def broken(batch) -> None:
        if any(isinstance(event, RunFinished) for event in batch):
            raise OSError("gone")

    assert "gone" in stage.run({"one": Ask(agent="ann")}, listener=broken).warnings[0]
