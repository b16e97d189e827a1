from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.html_text import clean, script_json

ANYTHING = st.text(st.characters(), max_size=60)


@given(
    st.recursive(
        ANYTHING | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(ANYTHING, inner)
    )
)
def test_data_ends_no_script_and_comes_back_as_it_was_cleaned(value: object) -> None:
    text = script_json(value)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == clean(value)


def test_what_could_hide_or_turn_text_is_left_out() -> None:
    assert clean({"a": ["\x1b[31mred\u202e\ud800\x00\nnext"]}) == {"a": ["red? next"]}


def test_halves_of_a_pair_can_be_written() -> None:
    assert clean("\ud83d").encode()
