from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.text import cells
from konseho_cli.report.wrap import LEAST, beside, wrap


@given(st.text(alphabet="ab 日\n", max_size=300), st.integers(1, 60))
def test_lines_fit_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(0 < cells(line) <= max(width, LEAST) for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split())


def test_lines_are_broken_between_words() -> None:
    assert wrap("one two three four five six", 20) == ("one two three four", "five six")


def test_a_longer_word_is_broken_in_itself() -> None:
    assert wrap(f"see {'x' * 25}", 20) == ("see", "x" * 20, "x" * 5)


def test_nothing_is_no_line() -> None:
    assert wrap(" \n", 40) == ()


def test_text_beside_a_name_stays_beside_it() -> None:
    assert beside("name  ", "one two three four five six", 26) == (
        "name  one two three four", "      five six",
    )  # fmt: skip
    assert beside("name  ", "one two three", None) == ("name  one two three",)
    assert beside("name  ", "", 26) == ("name",)
