from __future__ import annotations

import pytest

from konseho_cli.report.answer import answer_text, for_terminal
from konseho_cli.report.leftovers import leftovers


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("As it is.\n", "As it is.\n"),
        (None, ""),
        (False, "false"),
        ({"ä": [1]}, '{\n  "ä": [\n    1\n  ]\n}'),
        ("\ud83d", "?"),
    ],
)
def test_an_answer_is_text_or_json(answer, text):
    assert answer_text(answer) == text


def test_a_person_is_not_driven_by_an_answer():
    assert for_terminal("\x1b[2Jnothing") == "nothing"


def test_what_was_finished_is_kept_where_there_is_no_answer(failed):
    assert leftovers(failed) == (
        "--- review/ann ---\nLooks | fine.\n# Really\n\n--- aside/cid ---\nAn aside."
    )
