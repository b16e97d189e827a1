from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.symbols import ASCII, UNICODE, symbols_for
from konseho_cli.report.text import (
    cells,
    encodable,
    fit,
    harmless,
    listed,
    one_line,
    plural,
    unfinished_at,
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jtext", "text"),
        ("bell\x07 back\x08 nul\x00", "bell back nul"),
        ("\u202eright to left\u202c", "right to left"),
        ("over\rwritten", "overwritten"),
        ("a line\r\nanother\n\ttab", "a line\nanother\n\ttab"),
        ("日本 ünï — “quotes” 🎉", "日本 ünï — “quotes” 🎉"),
    ],
)
def test_what_could_drive_a_terminal_is_gone_and_the_text_stays(text, left):
    assert harmless(text) == left


@given(st.text(alphabet=st.sampled_from("\x1b[]0;7mABx\\\x07\x9b\x9c\r\n\t\x00Pé")))
def test_no_control_character_is_left_whatever_comes(text):
    left = harmless(text)
    assert not [char for char in left if ord(char) < 32 and char not in "\n\t"]
    assert not [char for char in left if 127 <= ord(char) < 160]


@given(st.text(), st.sampled_from(["\x1b", "\x1b[", "\x1b[3", "\x1b[31;1", "\x1b]0;tit", "\x1b("]))
def test_what_is_begun_is_held_back(text, begun):
    assert unfinished_at(text.replace("\x1b", "") + begun) == len(text.replace("\x1b", ""))


@pytest.mark.parametrize("text", ["plain", "\x1b[31m", "\x1b[0mx", "\x1b]0;t\x07", "\x1bc", ""])
def test_what_is_finished_is_not(text):
    assert unfinished_at(text) == len(text)


def test_a_sequence_that_never_ends_is_not_held_for_ever():
    text = "\x1b[" + "0" * 200
    assert unfinished_at(text) == len(text)


@given(st.text(), st.integers(0, 60))
def test_a_text_fits_where_it_must(text, width):
    for symbols in (UNICODE, ASCII):
        assert cells(fit(text, width, symbols)) <= width


def test_a_text_that_fits_is_left_alone_and_a_cut_is_marked():
    assert fit("exactly", 7, UNICODE) == "exactly"
    assert fit("exactly", 6, UNICODE) == "exact…"
    assert fit("名前名前", 5, UNICODE) == "名前…"


def test_half_a_pair_becomes_something_that_can_be_written():
    assert encodable("\ud83d!").encode("utf-8") == b"?!"


def test_many_lines_become_one():
    assert one_line(" a\n\n b\tc ") == "a b c"


def test_counted_nouns_and_long_lists_read_well():
    assert plural(1, "call") == "1 call"
    assert plural(1200, "call") == "1,200 calls"
    assert listed(("a", "b")) == "a, b"
    assert listed(tuple("abcdef")) == "a, b, c and 3 more"


@pytest.mark.parametrize(
    ("encoding", "symbols"),
    [
        ("utf-8", UNICODE), ("UTF-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII),
        (None, ASCII), ("no-such-encoding", ASCII),
    ],
)  # fmt: skip
def test_signs_are_those_that_an_encoding_has(encoding, symbols):
    assert symbols_for(encoding) is symbols
