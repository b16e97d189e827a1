from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from konseho_cli import Agent, Ask, Council
from konseho_cli.profiling.explaining.explanation import explain
from konseho_cli.report.explain import explanation_json, explanation_text
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.steps.route import Route
from konseho_cli.version import __version__


def test_a_run_is_explained(panel: Any, golden: Any) -> None:
    golden("explain.txt", explanation_text(explain(*panel), UNICODE, 90) + "\n")


def test_programs_get_the_same(panel: Any, golden: Any) -> None:
    text = explanation_json(explain(*panel))
    golden("explain.json", text.replace(f'"{__version__}"', '"VERSION"') + "\n")
    assert json.loads(text)["steps"][0]["debate"]["rounds"][2]["moves"][1]["towards"]


@pytest.mark.parametrize("width", [50, 80, 300])
def test_lines_fit(panel: Any, width: int) -> None:
    lines = explanation_text(explain(*panel), UNICODE, width).splitlines()
    assert max(map(cells, lines)) <= min(width, 110)


def test_a_plain_terminal_gets_plain_letters(panel: Any) -> None:
    assert explanation_text(explain(*panel), ASCII, 80).isascii()


def test_what_agents_say_cannot_drive_the_terminal(panel: Any) -> None:
    first, *rest = panel.outcome.steps
    evil = "\x1b[2J\x1b]0;gone\x07 moved"
    rounds = [
        {"ann": {"position": evil, "agree": None}, "\x1b[1mbob": {"position": evil, "agree": None}}
    ]
    step = structs.replace(first, details={"agreed": False, "rounds": rounds}, reasons=(evil,))
    outcome = structs.replace(panel.outcome, steps=(step, *rest), error=evil)
    assert "\x1b" not in explanation_text(explain(outcome), UNICODE, 80)


def test_a_run_without_an_answer_says_why(failed: Any) -> None:
    text = explanation_text(explain(failed), UNICODE, 100)
    assert text.startswith("test: failed.\n✖ step 'verdict' failed")
    assert "verdict: chair, failed" in text


def test_why_a_branch_was_taken_is_not_who_wrote_the_answer() -> None:
    ann, bob = Agent(name="ann"), Agent(name="bob")
    branches = {"one": [Ask(id="told", agent=bob)], "two": [Ask(id="told", agent=bob)]}
    council = Council(
        steps=[Route(id="way", agent=ann, branches=branches)], answer="{{ way.answer }}"
    )
    text = explanation_text(explain(council.run("Which?", model="sim:instant")), UNICODE, 100)
    assert "The answer is way.answer. " in text
    assert "  chose  " in text


def test_simulated_and_gated_runs_say_so(outcome: Any) -> None:
    simulated = structs.replace(outcome, simulated=True, gate=False, replayed=True)
    text = explanation_text(explain(simulated), UNICODE, 200)
    assert "simulated: they mean nothing" in text
    assert "It was replayed." in " ".join(text.split())
    assert "gate: false" in text


def test_nothing_is_said_of_a_rule_where_nothing_was_cut(outcome: Any) -> None:
    assert "Of each text" not in explanation_text(explain(outcome), UNICODE, 100)
