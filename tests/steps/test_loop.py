"""`loop`: again and again, until something holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelRefused
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Estimate
from konseho_cli.steps.fields import Fallback, Window
from konseho_cli.steps.loop import Loop
from konseho_cli.telemetry.events import StepFinished

DRAFT = Ask(id="draft", agent="ann")
REVIEW = Ask(id="review", agent="bob", prompt="{{ draft }} in {{ iteration }}")


def polish(**fields) -> Loop:
    return Loop(id="polish", **{"steps": (DRAFT, REVIEW), **fields})


def test_it_ends_after_the_iteration_in_which_until_holds(stage, scripted) -> None:
    model = scripted({"bob": [(1, "no"), (1, "yes"), (1, "never asked")]})
    outcome = stage.run({"polish": polish(until="{{ review == 'yes' }}")}, model)
    assert outcome.status == "ok"
    assert outcome.answer["last"] == {"draft": "ann speaks", "review": "yes"}
    assert outcome.answer["count"] == 2
    assert outcome.answer["done"] is True
    assert [one["review"] for one in outcome.answer["iterations"]] == ["no", "yes"]
    assert model.asked("bob") == ["ann speaks in 1", "ann speaks in 2"]


def test_one_that_is_never_done_is_degraded_and_keeps_all_that_was_said(stage) -> None:
    outcome = stage.run({"polish": polish(until="{{ review == 'yes' }}", max=3)})
    assert outcome.status == "degraded"
    assert outcome.reasons == ("polish: `until` did not hold after 3 iterations",)
    assert outcome.answer["done"] is False
    assert len(outcome.answer["iterations"]) == 3


def test_without_until_it_runs_as_often_as_it_may(stage) -> None:
    outcome = stage.run({"polish": polish(max=4)})
    assert outcome.status == "ok"
    assert (outcome.answer["count"], outcome.answer["done"]) == (4, True)


def test_the_first_iteration_reads_null_of_the_one_before(stage, scripted) -> None:
    model = scripted({"ann": [(1, "one"), (1, "two"), (1, "three")]})
    ask = Ask(id="draft", agent="ann", prompt="{{ previous.draft | default('nothing') }}")
    stage.run({"polish": Loop(id="polish", steps=(ask,), max=3)}, model)
    assert model.asked("ann") == ["nothing", "one", "two"]


def test_default_prompts_show_what_is_around_and_the_iteration_before(stage, scripted) -> None:
    model = scripted({"eve": (1, "the outline"), "ann": [(1, "first"), (1, "second")]})
    plan = {"outline": Ask(agent="eve"), "polish": Loop(id="polish", steps=(DRAFT,), max=2)}
    stage.run(plan, model)
    first, second = model.asked("ann")
    assert "the outline" in first
    assert "iteration" not in first
    assert second.index("the outline") < second.index("iteration 1: draft / ann")
    assert "first" in second


def test_a_step_inside_waits_for_what_it_reads_and_for_nothing_else(stage, scripted) -> None:
    steps = (
        Ask(id="slow", agent="ann"),
        Ask(id="quick", agent="bob", needs=()),
        Ask(id="both", agent="cid", prompt="{{ slow }} {{ quick }}"),
    )
    model = scripted({"ann": (5, "slow"), "bob": (1, "quick")})
    outcome = stage.run({"polish": Loop(id="polish", steps=steps, max=1)}, model)
    assert outcome.duration_s == 6
    assert model.asked("cid") == ["slow quick"]


def test_each_step_has_an_address_and_each_call_an_identity_of_its_own(stage, scripted) -> None:
    model = scripted({})
    outcome = stage.run({"polish": polish(max=2)}, model)
    assert [call.step for call in outcome.calls] == [
        "polish.1.draft", "polish.1.review", "polish.2.draft", "polish.2.review",
    ]  # fmt: skip
    assert len(set(model.identities)) == 4
    ended = [event.step for event in stage.events if isinstance(event, StepFinished)]
    assert ended[-1] == "polish"
    assert len(ended) == 5
    assert [step["id"] for step in outcome.step("polish").details["steps"]] == ended[:-1]


def test_a_loop_in_a_loop_counts_for_itself(stage, scripted) -> None:
    inner = Loop(id="inner", steps=(Ask(id="say", agent="ann", prompt="{{ iteration }}"),), max=2)
    model = scripted({})
    outcome = stage.run({"outer": Loop(id="outer", steps=(inner,), max=2)}, model)
    assert [call.step for call in outcome.calls] == [
        "outer.1.inner.1.say", "outer.1.inner.2.say", "outer.2.inner.1.say", "outer.2.inner.2.say",
    ]  # fmt: skip
    assert model.asked("ann") == ["1", "2", "1", "2"]


def test_a_failure_inside_fails_the_loop_with_its_address(stage, scripted) -> None:
    model = scripted({"bob": [(1, "no"), (1, ModelRefused("no such model"))]})
    outcome = stage.run({"polish": polish(until="{{ review == 'yes' }}")}, model)
    assert outcome.status == "failed"
    assert outcome.error == "step 'polish.2.review' failed: no such model"
    assert [part.label for part in outcome.step("polish").parts] == [
        "1.draft / ann", "1.review / bob", "2.draft / ann",
    ]  # fmt: skip


def test_a_failure_that_is_lived_with_inside_degrades_the_loop(stage, scripted) -> None:
    review = Ask(id="review", agent="bob", on_error="continue")
    model = scripted({"bob": (1, ModelRefused("no such model"))})
    outcome = stage.run({"polish": polish(steps=(DRAFT, review), max=1)}, model)
    assert outcome.status == "degraded"
    assert outcome.reasons == ("polish: 1.review: no such model",)
    assert outcome.answer["last"]["review"] is None


def test_its_timeout_ends_it_in_the_midst_of_an_iteration(stage) -> None:
    outcome = stage.run({"polish": polish(timeout=2.5, max=9)})
    assert outcome.status == "failed"
    assert outcome.duration_s == 2.5


def test_until_must_be_true_or_false(stage) -> None:
    outcome = stage.run({"polish": polish(until="{{ review }}")})
    assert outcome.status == "failed"
    assert "`until` must be true or false, not 'bob speaks'" in outcome.error


@pytest.mark.parametrize(
    "fields", [{"prompt": "x"}, {"cache": True}, {"fallback": Fallback(agent="ann")}]
)
def test_what_only_a_step_that_asks_can_have_is_refused(fields) -> None:
    assert polish(**fields).check()


@given(many=st.integers(1, 20), inside=st.integers(1, 4), until=st.booleans())
def test_its_estimate_is_that_of_its_steps_by_iterations(many, inside, until) -> None:
    steps = tuple(Ask(id=f"s{number}", agent="ann") for number in range(inside))
    loop = Loop(steps=steps, max=many, until="{{ iteration > 1 }}" if until else None)
    fewest = inside if until else inside * many
    assert loop.estimate() == Estimate(fewest=fewest, most=inside * many)


def test_a_summary_is_paid_for_once_however_many_iterations_ask_for_it(stage, scripted) -> None:
    window = Window(messages=1, summary="dee")
    ask = Ask(id="say", agent="cid", window=window)
    model = scripted({"dee": (1, "in short")})
    plan = {
        "one": Ask(agent="ann"), "two": Ask(agent="bob"),
        "first": Loop(id="first", steps=(ask,), max=1, needs=("two",)),
        "other": Loop(id="other", steps=(ask,), max=1, needs=("two",)),
    }  # fmt: skip
    stage.run(plan, model)
    assert len(model.asked("dee")) == 1
