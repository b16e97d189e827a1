from __future__ import annotations

import json
from typing import Any

from konseho_cli.profiling.explaining.explanation import explain
from konseho_cli.report.explain import explanation_text
from konseho_cli.report.explain_markdown import explanation_markdown
from konseho_cli.report.step import step_text
from konseho_cli.report.symbols import UNICODE
from konseho_cli.steps.debate import Debate


def _debated(stage: Any, scripted: Any) -> Any:
    told = {"summary": "They differ on cost.", "open_points": ["Who pays?"], "agreed": False}
    said = {"position": "It is cheap.", "agree": False}

    def speak(prompt: str) -> tuple[float, str]:
        return 1.0, json.dumps(said) if "so far: round" in prompt else "Cheap."

    model = scripted({"ann": speak, "bob": speak, "cid": (1.0, json.dumps(told))})
    step = Debate(agents=("ann", "bob"), rounds=1, moderator="cid")
    return stage.run({"argue": step}, model)


def test_what_a_moderator_said_is_told_with_its_round(stage: Any, scripted: Any) -> None:
    explanation = explain(_debated(stage, scripted))
    (step,) = explanation.steps
    assert step.debate is not None
    accounts = [one.account for one in step.debate.rounds]
    assert [one.text.text for one in accounts if one] == [
        "They differ on cost. Open: Who pays?"
    ] * 2
    line = "cid moderates, not agreed: They differ on cost. Open: Who pays?"
    assert line in explanation_text(explanation, UNICODE, 100)
    assert line in explanation_markdown(explanation)


def test_a_step_that_is_shown_has_the_accounts_whole(stage: Any, scripted: Any) -> None:
    outcome = _debated(stage, scripted)
    text = step_text(outcome, outcome.step("argue"), UNICODE)
    rule = "--- cid moderates: not agreed ---\nThey differ on cost.\n- still open: Who pays?"
    assert text.count(rule) == 2
