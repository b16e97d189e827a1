from __future__ import annotations

import json
from typing import Any

from msgspec import structs

from konseho_cli.report.step import asked_documents, asked_text, step_json, step_text
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.steps.split import Split
from konseho_cli.version import __version__


def text(outcome: Any, step: str) -> str:
    return step_text(outcome, outcome.step(step), UNICODE)


def test_a_debate_is_shown_whole(panel: Any, golden: Any) -> None:
    golden("step_debate.txt", text(panel.outcome, "argue") + "\n")


def test_a_vote_is_shown_whole(panel: Any, golden: Any) -> None:
    golden("step_vote.txt", text(panel.outcome, "pick") + "\n")


def test_other_steps_show_what_was_said(outcome: Any) -> None:
    shown = text(outcome, "review")
    assert "--- ann ---\nLooks | fine.\n# Really" in shown
    assert "▲ bob was dropped: 503: busy" in shown
    assert "✖ bob" in shown


def test_of_a_merged_split_the_pieces_are_shown_too(stage: Any, scripted: Any) -> None:
    model = scripted({"ann": lambda prompt: (1.0, f"did {len(prompt)} of it")})
    outcome = stage.run({"work": Split(agent="ann", items=["a", "bbbb"], merge="agent")}, model)
    shown = text(outcome, "work")
    assert "--- piece 1, ann#1 ---" in shown
    assert "--- piece 2, ann#2 ---" in shown
    assert "--- ann ---" in shown


def test_a_step_that_never_began_is_shown_as_such(panel: Any) -> None:
    step = structs.replace(
        panel.outcome.step("argue"), status="cancelled", start=None, end=None, parts=(),
        details={}, reasons=("the run ended before it did",),
    )  # fmt: skip
    outcome = structs.replace(panel.outcome, calls=())
    assert step_text(outcome, step, ASCII).splitlines() == [
        "- argue: debate, cancelled",
        "  ! the run ended before it did",
    ]


def test_programs_get_the_step_its_calls_and_what_was_asked(panel: Any, golden: Any) -> None:
    step = panel.outcome.step("verdict")
    shown = step_json(panel.outcome, step, panel.asked[-1:]).replace(__version__, "VERSION")
    golden("step.json", shown + "\n")
    assert "prompts" not in json.loads(step_json(panel.outcome, step, None))


def test_what_was_asked_is_shown_message_by_message(panel: Any) -> None:
    shown = asked_text(panel.asked[-1:])
    assert shown.startswith("=== verdict/dee ===\n\n[role]\nYou are dee.\n\n[prompt]\n# Task")
    assert asked_documents(panel.asked[-1:])[0]["messages"][0]["role"] == "system"
    assert "nobody was asked" in asked_text(())
