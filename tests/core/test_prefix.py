from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.prefix import common_prefix


@given(st.text("ab"), st.text("abc"), st.text("abc"))
def test_it_is_as_long_as_both_are_alike(begin: str, one: str, other: str) -> None:
    texts = begin + one, begin + other
    length = common_prefix(*texts)
    assert texts[0][:length] == texts[1][:length]
    assert length == min(map(len, texts)) or texts[0][length] != texts[1][length]
    assert common_prefix(*(text.encode() for text in texts)) == length
