from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.base import Message
from konseho_cli.models.prefix import (
    common_length,
    first_prompt,
    least_chars,
    system_text,
    whole_lines,
)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-sonnet-4-5", 1024),
        ("claude-3-5-haiku-latest", 2048),
        ("claude-haiku-4-5-20251001", 4096),
        ("claude-opus-4-5", 4096),
        ("gpt-5-mini", 1024),
        ("anthropic/claude-haiku-4-5", 4096),
    ],
)
def test_each_model_keeps_what_is_long_enough_for_it(model: str, tokens: int) -> None:
    assert least_chars(model) == 4 * tokens


@given(st.text("ab"), st.lists(st.text("abc"), min_size=1, max_size=6))
def test_the_common_beginning_is_what_all_texts_begin_with(begin: str, ends: list[str]) -> None:
    texts = [begin + end for end in ends]
    length = common_length(texts)
    assert len({text[:length] for text in texts}) == 1
    assert len({text[: length + 1] for text in texts}) > 1 or length == min(map(len, texts))


def test_a_beginning_ends_with_a_line() -> None:
    assert whole_lines("one\ntwo", 5) == 4
    assert whole_lines("one\ntwo", 4) == 4
    assert whole_lines("one", 2) == 0
    assert whole_lines("one", 3) == 3


def test_the_parts_of_a_conversation_that_stay() -> None:
    messages = (Message("system", "A."), Message("system", "B."), Message("user", "one"),
                Message("assistant", "two"), Message("user", "three"))  # fmt: skip
    assert system_text(messages) == "A.\n\nB."
    assert first_prompt(messages) == "one"
    assert first_prompt(()) == ""
