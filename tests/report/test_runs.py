from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from konseho_cli.report.runs import (
    removed_json,
    removed_text,
    run_document,
    runs_json,
    runs_text,
    state_words,
)
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.report.text import cells
from konseho_cli.store.base import RunBegan, RunEnded, RunRow

NOW = 1_790_000_000.0


def row(run: str = "1m7z36vcc9t0", *, status: Any = "ok", age: float = 120, **more: Any) -> RunRow:
    task = more.pop("task", "Should a team of four start with a monolith or with services?")
    began = RunBegan(
        run=run, council=more.pop("council", "code-review"), file="/c/code-review.yaml", task=task,
        models=("openai:gpt-5-mini",), simulated=False, started=NOW - age, process="host:7:1",
        version="0", document=b"",
    )  # fmt: skip
    ended = None
    if status is not None:
        ended = RunEnded(
            run=run, status=status, exit_status=0, ended=NOW - age + 6.8, duration=6_800_000_000,
            error="", body=b"",
        )  # fmt: skip
    figures = {"calls": 10, "input_tokens": 8000, "output_tokens": 1200}
    return RunRow(
        began=began, ended=ended, **{**figures, "cost": Decimal("0.021"), "unpriced": 0, **more}
    )  # type: ignore[arg-type]


ROWS: Any = [
    (row(), "ok"),
    (row("1m7z36vcc9t1", status="failed", age=7200, unpriced=1, calls=1), "failed"),
    (row("1m7z36vcc9t2", status=None, age=30, cost=Decimal(0), council="quickstart"), "running"),
    (
        row("1m7z36vcc9t3", status=None, age=5e5, calls=0, input_tokens=0, output_tokens=0),
        "cut-off",
    ),
]


def test_a_run_is_a_line(golden: Any) -> None:
    golden("runs.txt", runs_text(ROWS, UNICODE, 160, NOW) + "\n")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 300])
def test_lines_fit_and_the_task_keeps_its_place(width: int) -> None:
    lines = runs_text(ROWS, UNICODE, width, NOW).splitlines()
    assert len(lines) == len(ROWS)
    assert max(map(cells, lines)) <= max(width, 51)
    assert width < 60 or all("Should" in line for line in lines)
    assert all(
        state_words(state, UNICODE) in line for line, (_, state) in zip(lines, ROWS, strict=True)
    )


@pytest.mark.parametrize(("width", "shown"), [(80, "5 min ago"), (60, "Sho"), (50, "")])
def test_the_name_of_the_council_stays_longest(width: int, shown: str) -> None:
    name = "a-council-of-long-words"
    crowd: Any = [
        (row(council=name, task="Should we?", age=300), "degraded"),
        (row(council=name, task="Should they?", age=300, calls=100), "failed"),
    ]
    lines = runs_text(crowd, UNICODE, width, NOW).splitlines()
    assert all(name in line and shown in line and cells(line) <= width for line in lines)


def test_a_plain_terminal_gets_plain_letters() -> None:
    assert runs_text(ROWS, ASCII, 80, NOW).isascii()


def test_a_task_cannot_drive_the_terminal() -> None:
    text = runs_text(
        [(row(task="\x1b[2Jgone\nnext", council="\x1b]0;x\x07c"), "ok")], UNICODE, 120, NOW
    )
    assert "\x1b" not in text
    assert "gone next" in text
    assert "\n" not in text


def test_programs_get_all_of_it(golden: Any) -> None:
    golden("runs.json", runs_json(ROWS) + "\n")


def test_a_run_without_an_end_has_no_figures_of_it() -> None:
    document = run_document(row(status=None), "running")
    assert (document["ended"], document["duration_s"], document["exit_status"]) == (
        None,
        None,
        None,
    )


def test_what_went_is_told() -> None:
    rows = [row(), row("1m7z36vcc9t1", age=7200)]
    assert removed_text(rows, NOW, dry_run=False).splitlines() == [
        "removed 2 runs",
        "  1m7z36vcc9t0  2 min ago  code-review",
        "  1m7z36vcc9t1  2 h ago  code-review",
    ]
    assert removed_text([], NOW, dry_run=True) == "would remove 0 runs"
    assert json.loads(removed_json(rows, dry_run=True)) == {
        "konseho": 1, "dry_run": True, "removed": ["1m7z36vcc9t0", "1m7z36vcc9t1"],
    }  # fmt: skip
