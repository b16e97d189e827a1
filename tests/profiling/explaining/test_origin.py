from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.models.base import Message
from konseho_cli.profiling.explaining.asked import Asked
from konseho_cli.profiling.explaining.origin import had_before, origin


def asked(prompt: str) -> Asked:
    return Asked(step="verdict", agent="dee", label="", messages=(Message("user", prompt),))


def test_an_answer_that_is_an_output_is_named_as_a_template_names_it(panel: Any) -> None:
    found = origin(panel.outcome)
    assert found is not None
    assert (found.relation, found.outputs) == ("is", ("verdict",))
    position = panel.outcome.step("argue").value["positions"]["ann"]
    found = origin(structs.replace(panel.outcome, answer=position))
    assert found is not None
    assert found.outputs == ("pick.winner",)  # the later one of two that are the same


def test_an_answer_that_holds_outputs_names_their_steps(panel: Any) -> None:
    text = f"In short:\n{panel.outcome.step('verdict').value}"
    found = origin(structs.replace(panel.outcome, answer=text))
    assert found is not None
    assert (found.relation, found.outputs) == ("holds", ("verdict",))


@pytest.mark.parametrize("answer", [None, "Something else.", {"a": 1}, 7])
def test_an_answer_of_another_origin_has_none(panel: Any, answer: Any) -> None:
    assert origin(structs.replace(panel.outcome, answer=answer)) is None


def test_true_is_not_one(panel: Any) -> None:
    step = structs.replace(panel.outcome.steps[0], value=1)
    outcome = structs.replace(panel.outcome, steps=(step,), answer=True)
    assert origin(outcome) is None


def test_what_a_chair_had_is_what_its_prompt_holds(panel: Any) -> None:
    outcome, step = panel.outcome, panel.outcome.step("verdict")
    whole = had_before(outcome.steps, step, panel.asked[-1])
    assert [(one.step, one.label) for one in whole] == [
        ("argue", "ann"), ("argue", "bob"), ("argue", "cid"), ("pick", "winner: ann"),
        ("pick", "tally"), ("pick", "dissent of eve"),
    ]  # fmt: skip
    assert all(one.whole for one in whole)


def test_an_output_that_was_shortened_is_said_to_be(panel: Any) -> None:
    outcome, step = panel.outcome, panel.outcome.step("verdict")
    text = outcome.step("argue").parts[0].text
    (had,) = had_before(outcome.steps, step, asked(f"{text[:90]}\n[… 9 characters left out …]"))[:1]
    assert (had.label, had.whole) == ("ann", False)
    assert had_before(outcome.steps, step, asked("Decide.")) == ()


def test_a_short_output_must_stand_alone(panel: Any) -> None:
    outcome = panel.outcome
    parts = (structs.replace(outcome.steps[0].parts[0], text="No"),)
    first = structs.replace(outcome.steps[0], parts=parts)
    outcome = structs.replace(outcome, steps=(first, *outcome.steps[1:]))
    step = outcome.step("verdict")
    assert had_before(outcome.steps, step, asked("Nobody knows. No way.")) == ()
    assert len(had_before(outcome.steps, step, asked("ann said:\nNo\nAnd you?"))) == 1
