from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.engine.plan import make_plan
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.base import Base, Estimate
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.fields import Fallback, Window
from konseho_cli.steps.parallel import Parallel
from konseho_cli.telemetry.spans import Span

TALKERS = ("ann", "bob", "cid")


def long(agent: str, size: int = 4_000) -> str:
    return f"{agent} begins " + "and goes on " * (size // 12) + f" {agent} ends"


def council(window: Window, **more: Base) -> dict[str, Base]:
    return {
        "talk": Parallel(agents=TALKERS, prompt="Speak."),
        "verdict": Chair(agent="dee", window=window),
        **more,
    }


def model(scripted: Any, **script: Any) -> Any:
    lines = {name: (1.0, long(name)) for name in TALKERS} | {"eve": (2.0, "They agree.")}
    return scripted(lines | script)


def test_the_newest_outputs_stay_whole_and_the_rest_is_named(stage: Any, scripted: Any) -> None:
    speaking = model(scripted)
    outcome = stage.run(council(Window(messages=2)), speaking)
    (prompt,) = speaking.asked("dee")
    assert "[… 1 earlier output is left out here, 4,016 characters: talk / ann …]" in prompt
    assert long("bob") in prompt
    assert long("cid") in prompt
    assert "ann begins" not in prompt
    assert outcome.status == "ok"  # as was asked for
    assert outcome.step("verdict").details["window"] == {
        "shown": 2, "shortened": 0, "left_out": 1, "characters_left_out": 4_016,
        "summary": None, "summary_by": None,
    }  # fmt: skip


def test_tokens_bound_all_together_by_the_rules_of_a_models_window(
    stage: Any, scripted: Any
) -> None:
    speaking = model(scripted)
    outcome = stage.run(council(Window(tokens=1_000)), speaking)
    (prompt,) = speaking.asked("dee")
    assert 3_500 < len(prompt) < 5_000
    assert prompt.count("characters left out …]") == 3
    assert (outcome.status, outcome.step("verdict").details["window"]["shortened"]) == ("ok", 3)


def test_what_fits_is_not_touched_and_not_mentioned(stage: Any, scripted: Any) -> None:
    speaking = model(scripted)
    window = Window(tokens=100_000, messages=3, summary="eve")
    outcome = stage.run(council(window), speaking)
    assert speaking.asked("eve") == []
    assert dict(outcome.step("verdict").details) == {}


def test_what_does_not_fit_is_summed_up_by_a_call_of_its_own(stage: Any, scripted: Any) -> None:
    speaking = model(scripted)
    outcome = stage.run(council(Window(tokens=2_000, summary="eve")), speaking)
    (asked,) = speaking.asked("eve")
    assert "ann begins" in asked
    assert "in at most 333 words" in asked
    assert "cid begins" not in asked
    (prompt,) = speaking.asked("dee")
    assert "# 2 earlier outputs, summed up by eve\n\nThey agree." in prompt
    assert long("cid") in prompt
    (call,) = [call for call in outcome.calls if call.agent == "eve"]
    assert (call.step, call.label) == ("verdict", "summary")
    assert tuple(
        next(each for each in speaking.identities if "eve" in each)[i] for i in (0, 2, 3)
    ) == ("verdict", "summary", "eve")
    assert outcome.step("verdict").details["window"]["summary_by"] == "eve"
    assert (outcome.end - outcome.start) / 1e9 == 4.0  # it is waited for


def test_two_steps_with_the_same_rest_ask_once(stage: Any, scripted: Any) -> None:
    speaking = model(scripted)
    window = Window(messages=1, summary="eve")
    steps = council(window, other=Ask(agent="bob", needs=("talk",), window=window))
    steps["third"] = Ask(agent="cid", needs=("other",), window=Window(messages=2, summary="eve"))
    outcome = stage.run(steps, speaking)
    assert outcome.status == "ok"
    assert len(speaking.asked("eve")) == 1
    assert all("summed up by eve" in speaking.asked(name)[-1] for name in ("bob", "cid", "dee"))
    flights = [span for span in outcome.spans if span.kind == "queue.flight"]
    asks = {span.id: span for span in outcome.spans if span.kind == "ask"}
    assert [asks[_waker(span)].attributes["agent"] for span in flights] == ["eve"]


def test_what_makes_a_shared_summary_less_degrades_all_who_show_it(
    stage: Any, scripted: Any
) -> None:
    speaking = model(scripted, eve=(1.0, ModelUnavailable("it is down")))
    window = Window(messages=1, summary="eve")
    instead = {"on_error": "fallback", "fallback": Fallback(agent="cid")}
    steps = council(window, other=Ask(agent="bob", needs=("talk",), window=window, **instead))
    steps["verdict"] = replace(steps["verdict"], **instead)
    outcome = stage.run(steps, speaking)
    for name in ("other", "verdict"):
        step = outcome.step(name)
        assert any("cid stood in for eve" in reason for reason in step.reasons), name
        assert step.details["window"]["summary"]


def _waker(span: Span) -> int:
    assert span.waker is not None
    return span.waker


def test_a_failed_summary_is_left_out_with_a_word_and_degrades(stage: Any, scripted: Any) -> None:
    speaking = model(scripted, eve=(1.0, ModelUnavailable("it is down")))
    outcome = stage.run(council(Window(messages=1, summary="eve")), speaking)
    assert outcome.step("verdict").status == "degraded"
    assert outcome.step("verdict").reasons == (
        "what does not fit is left out, as eve could not sum it up: it is down",
    )
    assert "2 earlier outputs are left out here" in speaking.asked("dee")[0]


def test_who_waits_for_a_summary_that_fails_asks_for_itself(stage: Any, scripted: Any) -> None:
    speaking = model(scripted, eve=[(1.0, ModelUnavailable("it is down")), (1.0, "They agree.")])
    window = Window(messages=1, summary="eve")
    steps = council(window, other=Ask(agent="bob", needs=("talk",), window=window))
    outcome = stage.run(steps, speaking)
    assert [step.status for step in outcome.steps] == ["ok", "degraded", "ok"]
    assert len(speaking.asked("eve")) == 2


def test_another_try_of_a_step_uses_the_summary_again(stage: Any, scripted: Any) -> None:
    speaking = model(scripted, dee=[(1.0, ModelUnavailable("busy")), (1.0, "done")])
    verdict = Chair(agent="dee", window=Window(messages=1, summary="eve"), retries=1)
    outcome = stage.run(council(Window(messages=1), verdict=verdict), speaking)
    assert outcome.answer == "done"
    assert len(speaking.asked("eve")) == 1


def test_the_summary_may_be_one_call_more() -> None:
    plan = make_plan(
        council(
            Window(messages=1, summary="eve"),
            own=Ask(agent="ann", prompt="Speak.", window=Window(messages=1, summary="eve")),
        )
    )
    assert [step.estimate for step in plan.steps] == [
        Estimate(fewest=3, most=3), Estimate(fewest=1, most=2), Estimate(fewest=1, most=1),
    ]  # fmt: skip


@pytest.mark.parametrize("rounds", [3, 30])
def test_a_debates_prompts_do_not_grow_with_its_rounds(
    rounds: int, stage: Any, scripted: Any
) -> None:
    said = '{"position": "' + "as I said " * 100 + '", "agree": false}'
    speaking = scripted({"ann": (1.0, said), "bob": (1.0, said)})
    stage.run({"argue": Debate(agents=("ann", "bob"), rounds=rounds)}, speaking)
    assert max(map(len, speaking.asked("ann"))) < 4_000
