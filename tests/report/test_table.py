from __future__ import annotations

from konseho_cli.report.frame import as_text
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.table import table

ROWS = [
    ("Steps", "", "time", "waiting"),
    ("review", "", "12 s", "0.8 s for a slot, and so on"),
    ("b", "", "3 s", ""),
]


def test_words_are_to_the_left_and_figures_to_the_right() -> None:
    text = as_text(table(ROWS, UNICODE, 80, words=frozenset({0, 3})))
    assert text.splitlines() == [
        "Steps   time  waiting",
        "review  12 s  0.8 s for a slot, and so on",
        "b        3 s",
    ]


def test_the_last_column_is_cut_and_then_left_out() -> None:
    lines = as_text(table(ROWS, UNICODE, 30, words=frozenset({0, 3}))).splitlines()
    assert lines[1] == "review  12 s  0.8 s for a slo…"
    assert as_text(table(ROWS, UNICODE, 20, words=frozenset({0}))).splitlines()[1] == "review  12 s"


def test_no_rows_are_no_lines() -> None:
    assert table([], UNICODE, 80) == ()
