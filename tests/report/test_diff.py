from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from msgspec import structs

from konseho_cli.core.clock import Anchor
from konseho_cli.engine.remembered import Remembered
from konseho_cli.models.cassette import Wished
from konseho_cli.profiling.explaining.comparison import Comparison, Kept, compare
from konseho_cli.report.diff import MOST_LINES, comparison_json, comparison_text
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.version import __version__

NOW = 1_790_000_000.0
BEGAN = Remembered(council={"name": "test"}, task="Which?", inputs={}, wished=Wished(), seed=0)


def two(panel: Any, **changed: Any) -> Comparison:
    """A run, and one that is like it but for what is changed."""
    anchor = Anchor(wall_s=NOW - 3600, loop_ns=panel.outcome.start)
    outcome = structs.replace(panel.outcome, anchor=anchor)
    pick = outcome.step("pick")
    won = structs.replace(pick, value={}, details={**pick.details, "winner": "bob"})
    calls = tuple(structs.replace(call, cost=Decimal("0.02")) for call in outcome.calls)
    given = {"run": "other", "status": "ok", "answer": "Begin with services.\nThen wait.",
             "steps": (outcome.steps[0], won, outcome.steps[2]), "calls": calls}  # fmt: skip
    later = structs.replace(outcome, **{**given, **changed})
    return compare(
        Kept(outcome=outcome, began=BEGAN),
        Kept(outcome=later, began=structs.replace(BEGAN, task="Which one?")),
    )


def test_two_runs_are_compared(panel: Any, golden: Any) -> None:
    golden("diff.txt", comparison_text(two(panel), UNICODE, 100, NOW) + "\n")


def test_programs_get_the_same(panel: Any, golden: Any) -> None:
    text = comparison_json(two(panel))
    golden("diff.json", text.replace(f'"{__version__}"', '"VERSION"') + "\n")
    assert json.loads(text)["same_answer"] is False


def test_tables_fit(panel: Any) -> None:
    lines = comparison_text(two(panel, answer=panel.outcome.answer), UNICODE, 60, NOW).splitlines()
    assert max(map(cells, lines)) <= 60
    assert lines[-1] == "The answers are the same."


def test_a_plain_terminal_gets_plain_letters(panel: Any) -> None:
    text = comparison_text(two(panel, calls=panel.outcome.calls), ASCII, 80, NOW)
    assert text.isascii()


def test_a_cost_that_nobody_knows_has_no_share(panel: Any) -> None:
    calls = tuple(structs.replace(call, cost=None) for call in panel.outcome.calls)
    text = comparison_text(two(panel, calls=calls), UNICODE, 100, NOW)
    (line,) = [line for line in text.splitlines() if line.startswith("cost")]
    assert line.endswith("?")


def test_of_two_councils_the_beginning_of_the_difference_is_shown(panel: Any) -> None:
    found = structs.replace(two(panel), council=tuple(f"+line {n}" for n in range(100)))
    text = comparison_text(found, UNICODE, 100, NOW)
    assert f"(+line {MOST_LINES}" not in text
    assert "(40 lines more: see --json)" in text
