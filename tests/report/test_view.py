from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.view import RunView
from konseho_cli.telemetry.events import AskFinished, AskRetried, AskStarted, StepStarted, Warned


def ask(call: int, agent: str = "ann", at: int = 0) -> AskStarted:
    return AskStarted(at=at, step="s", agent=agent, call=call, label="")


def answer(call: int, agent: str = "ann", at: int = 1, **fields) -> AskFinished:
    given = {"status": "ok", "cost": Decimal("0.5"), "error": "", **fields}
    return AskFinished(
        at=at, step="s", agent=agent, call=call, input_tokens=2, output_tokens=1, model="m", **given
    )


def test_a_planned_run_has_all_its_steps_and_speakers_before_it_starts(plan):
    view = RunView.of("council", ("m",), plan)
    assert list(view.steps) == ["review", "aside", "verdict"]
    assert list(view.steps["review"].agents) == ["ann", "bob"]
    assert {step.state for step in view.steps.values()} == {"waiting"}
    assert view.share == 0


def test_the_events_of_a_real_run_come_to_what_its_outcome_says(events, outcome):
    view = RunView()
    view(events)
    assert view.status == outcome.status
    assert {step.id: step.state for step in view.steps.values()} == {
        step.id: step.status for step in outcome.steps
    }
    assert view.tally.calls == len(outcome.calls)
    assert view.tally.tokens == outcome.usage.total
    assert view.tally.cost == outcome.cost
    assert view.elapsed_ns(0) == outcome.end - outcome.start
    assert view.share == 1


def test_how_the_events_are_cut_into_batches_changes_nothing(events):
    whole, single = RunView(), RunView()
    whole(events)
    for event in events:
        single((event,))
    assert whole == single


def test_answers_that_were_there_already_are_counted():
    view = RunView()
    view([ask(1), answer(1, source="cache"), ask(2), answer(2)])
    assert (view.tally.calls, view.tally.cached) == (2, 1)


def test_an_agent_that_is_asked_is_waited_for_until_it_answers():
    view = RunView()
    view([StepStarted(at=0, step="s", kind="parallel", agents=("ann", "bob")), ask(1)])
    step = view.steps["s"]
    assert step.waiting_for == ("ann",)
    assert step.agents["bob"].state == "waiting"
    assert step.agents["ann"].elapsed_ns(now=5) == 5
    view([answer(1, at=7)])
    assert step.waiting_for == ()
    assert step.agents["ann"].elapsed_ns(now=100) == 7
    assert step.progress == (1, 2)


def test_an_agent_with_several_pieces_at_once_is_counted():
    view = RunView()
    view([ask(1), ask(2), ask(3), answer(1)])
    assert view.steps["s"].is_counted
    assert view.steps["s"].progress == (1, 3)


def test_one_unknown_price_makes_the_sum_unknown():
    view = RunView()
    view([ask(1), answer(1), ask(2), answer(2, cost=None), ask(3), answer(3)])
    assert view.tally.cost is None
    assert view.tally.tokens == 9


def test_a_retry_is_told_until_it_helped():
    view = RunView()
    retry = AskRetried(at=1, step="s", agent="ann", call=1, reason="503", wait_s=1.0)
    view([ask(1), retry])
    assert view.steps["s"].trouble == "ann again: 503"
    view([answer(1)])
    assert view.steps["s"].trouble == ""


def test_warnings_are_kept():
    view = RunView()
    view([Warned(at=0, message="beware")])
    assert view.warnings == ["beware"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.sampled_from("ab"))))
def test_whatever_arrives_in_whatever_order_the_share_stays_a_share(moves):
    view = RunView()
    for asked, call, agent in moves:
        view([ask(call, agent) if asked else answer(call, agent)])
        assert 0 <= view.share <= 1
