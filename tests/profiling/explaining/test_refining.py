from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.profiling.explaining.explanation import explain
from konseho_cli.profiling.explaining.refining import rounds_said
from konseho_cli.report.step import step_text
from konseho_cli.report.symbols import UNICODE
from konseho_cli.steps.refine import Refine

FAULT = {"what": "No date", "why": "It slips.", "severity": "blocking", "suggestion": "Name one."}
NO = json.dumps({"points": [FAULT], "summary": "Not yet.", "approve": False})
YES = json.dumps({"points": [], "summary": "Good.", "approve": True})


def _refined(stage: Any, scripted: Any) -> Any:
    model = scripted(
        {
            "ann": [(1.0, "A plan."), (1.0, "A plan by May.")],
            "bob": [(1.0, NO), (1.0, YES)],
            "cid": [(1.0, ModelUnavailable("503: busy")), (1.0, YES)],
        }
    )
    return stage.run({"polish": Refine(worker="ann", critics=("bob", "cid"))}, model)


def test_every_version_is_told_with_what_was_said_of_it(stage: Any, scripted: Any) -> None:
    (step,) = explain(_refined(stage, scripted)).steps
    assert [(one.label, one.agent, one.about, one.text.text) for one in step.said] == [
        ("version 1", "ann", "", "A plan."),
        ("critique 1", "bob", "does not approve", "Not yet. No date (blocking)"),
        ("critique 1", "cid", "failed", "503: busy"),
        ("version 2", "ann", "", "A plan by May."),
        ("critique 2", "bob", "approves", "Good"),
        ("critique 2", "cid", "approves", "Good"),
    ]


def test_a_refine_that_left_no_record_is_told_by_its_parts(stage: Any, scripted: Any) -> None:
    step = _refined(stage, scripted).step("polish")
    assert rounds_said(step)
    assert not rounds_said(replace(step, details={}))
    assert not rounds_said(replace(step, kind="debate"))


def test_a_step_that_is_shown_has_them_whole(stage: Any, scripted: Any) -> None:
    outcome = _refined(stage, scripted)
    text = step_text(outcome, outcome.step("polish"), UNICODE)
    assert "--- version 1 of ann ---\nA plan.\n" in text
    assert "--- bob on version 1: does not approve ---\nNot yet.\n- (blocking) No date" in text
    assert "  suggestion: Name one." in text
    assert "--- cid did not judge version 1: 503: busy ---" in text
