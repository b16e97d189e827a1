from __future__ import annotations

from typing import Any

from msgspec import structs

from konseho_cli.profiling.explaining.explanation import explain
from konseho_cli.report.explain_markdown import explanation_markdown


def test_a_run_is_explained(panel: Any, golden: Any) -> None:
    golden("explain.md", explanation_markdown(explain(*panel)))


def test_what_agents_say_is_no_markup(panel: Any) -> None:
    pick = panel.outcome.step("pick")
    candidates = [{**pick.details["candidates"][0], "candidate": "a | b <script>"}]
    step = structs.replace(pick, details={**pick.details, "candidates": candidates})
    text = explanation_markdown(explain(structs.replace(panel.outcome, steps=(step,))))
    assert "a \\| b &lt;script>" in text


def test_a_run_without_an_answer_says_why(failed: Any) -> None:
    assert "**step 'verdict' failed" in explanation_markdown(explain(failed))
