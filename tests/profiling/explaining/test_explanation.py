from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.profiling.explaining.explanation import MOST_SAID, explain
from konseho_cli.report.explain import calls_sentences
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split


def test_each_step_is_told_by_what_it_was(panel: Any) -> None:
    told = explain(*panel)
    argue, pick, verdict = told.steps
    assert argue.debate is not None
    assert pick.vote is not None
    assert (argue.said, pick.said) == ((), ())
    assert [one.label for one in verdict.said] == ["dee"]
    assert verdict.had
    assert any("cid was dropped" in reason for reason in argue.reasons)
    assert told.critical_path[-1] == "verdict/dee"
    assert told.calls.failed == ("argue round 1/cid: 503: busy",)


def test_without_what_was_asked_nothing_is_claimed_of_it(panel: Any) -> None:
    verdict = explain(panel.outcome).steps[-1]
    assert (verdict.had, verdict.prompt_size) == (None, None)


def test_the_first_step_had_nothing_before_it(panel: Any) -> None:
    verdict = panel.outcome.step("verdict")
    first = structs.replace(panel.outcome, steps=(verdict,))
    assert explain(first, panel.asked).steps[0].had is None


def test_pieces_are_told_with_who_did_them(stage: Any, scripted: Any) -> None:
    model = scripted({"ann": lambda prompt: (1.0, f"done {len(prompt)}")})
    items = [f"piece {number} {'x' * number}" for number in range(MOST_SAID + 3)]
    outcome = stage.run({"work": Split(agent="ann", items=items, merge="agent")}, model)
    (work,) = explain(outcome).steps
    first = work.said[0]
    assert (first.label, first.agent, first.about) == ("1", "ann", "piece 0")
    assert len(work.said) == MOST_SAID
    assert work.unsaid == 4  # three pieces more, and the merger's


def test_a_failed_run_says_why(stage: Any, scripted: Any) -> None:
    model = scripted({name: (0.1, ModelUnavailable("503: busy")) for name in ("ann", "bob")})
    told = explain(stage.run({"both": Parallel(agents=("ann", "bob"))}, model))
    assert (told.status, told.origin, told.steps[0].said) == ("failed", None, ())
    assert told.error is not None
    assert len(told.calls.failed) == 2


@pytest.mark.parametrize(
    ("source", "field"), [("cache", "cached"), ("flight", "shared"), ("journal", "resumed")]
)
def test_calls_that_asked_no_model_are_named(panel: Any, source: Any, field: str) -> None:
    first, *rest = panel.outcome.calls
    calls = (structs.replace(first, source=source, retries=2, hedges=1), *rest)
    told = explain(structs.replace(panel.outcome, calls=calls)).calls
    assert getattr(told, field) == (f"argue {first.label}/{first.agent}",)
    assert (told.total, told.retries, told.hedges) == (len(calls), 2, 1)


def test_a_person_who_did_not_answer_is_no_call_that_failed(panel: Any) -> None:
    first, *rest = panel.outcome.calls
    lost = structs.replace(first, status="failed", model="human", error="nobody is there")
    told = explain(structs.replace(panel.outcome, calls=(lost, *rest))).calls
    assert told.unanswered == (f"argue {first.label}/{first.agent}: nobody is there",)
    assert not any("nobody" in each for each in told.failed)
    assert any("nobody answered 1 question: argue " in each for each in calls_sentences(told))
