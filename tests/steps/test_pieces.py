from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.steps.pieces import NoPieces, cut, label_of


def items(value, by="auto"):
    return [piece.item for piece in cut(value, by)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", {"b": 1}]', ["a", {"b": 1}]),
        ('```json\n["a", "b"]\n```', ["a", "b"]),
        ("Do:\n1. one\n2. two", ["one", "two"]),
        ("1) one\n2) two\n", ["one", "two"]),
        ("Do:\n- one\n- two\n\nThanks.", ["one", "two"]),
        ("* one\n* two", ["one", "two"]),
        ("• one\n• two", ["one", "two"]),
        ("# A\nx\n# B\ny", ["# A\nx", "# B\ny"]),
        ("# Title\nintro\n## A\nx\n### deep\n## B", ["## A\nx\n### deep", "## B"]),
        ("src/a.py\nb.txt\n./c", ["src/a.py", "b.txt", "./c"]),
        ("one thing\nanother thing", ["one thing", "another thing"]),
        ("a first\nblock\n\na second", ["a first\nblock", "a second"]),
        ("only one line", ["only one line"]),
        ("one\r\ntwo", ["one", "two"]),
    ],
)
def test_auto_finds_how_a_text_is_divided(text, expected):
    assert items(text) == expected


def test_lines_that_continue_an_item_stay_with_it():
    text = "1. first\n   goes on\n   - with a detail\n\n   and a paragraph\n2. second\nlazily"
    assert items(text) == [
        "first\ngoes on\n- with a detail\n\nand a paragraph",
        "second\nlazily",
    ]


def test_the_outer_list_is_the_one_that_counts():
    assert items("- a\n  1. x\n  2. y\n- b") == ["a\n1. x\n2. y", "b"]


def test_what_looks_like_a_list_inside_code_is_code():
    text = "- one\n  ```\n- not an item\n  ```\n- two"
    assert items(text) == ["one\n  ```\n- not an item\n  ```", "two"]
    assert items("# A\n```\n# a comment\n```\n# B") == ["# A\n```\n# a comment\n```", "# B"]


def test_a_heading_above_ends_a_section_but_is_none():
    assert items("## A\nx\n## B\ny\n# Other\nz") == ["## A\nx", "## B\ny"]


def test_by_says_how():
    text = "# A\n- one\n- two\n\nlast one"
    assert items(text, "headings") == [text]
    assert items(text, "bullets") == ["one", "two"]
    assert items(text, "lines") == ["# A", "- one", "- two", "last one"]
    assert items(text, "paragraphs") == ["# A\n- one\n- two", "last one"]
    assert items("read a.py and\nb.py\nc.py", "files") == ["b.py", "c.py"]
    assert items("[1, 2]", "json") == [1, 2]


def test_lists_and_mappings_are_in_pieces_already():
    assert items(["a", {"b": 1}, 3]) == ["a", {"b": 1}, 3]
    assert items({"ann": "x", "bob": "y"}) == ["x", "y"]
    assert [piece.label for piece in cut({"ann": "x"}, "items")] == ["ann"]


@pytest.mark.parametrize(
    ("value", "by", "reason"),
    [
        ("", "auto", "no pieces of any kind in an empty text"),
        ([], "auto", "no pieces"),
        ("prose", "bullets", "no bulleted lines in 'prose'"),
        ("prose", "numbers", "no numbered lines"),
        ("prose", "headings", "no Markdown headings"),
        ("prose", "json", "no JSON array"),
        ('{"a": 1}', "json", "no JSON array"),
        ("[1, ", "json", "no JSON array"),
        ("two words", "files", "no lines that are file names"),
        ("prose", "items", "takes a list"),
        (["a"], "lines", "already in pieces"),
        (3, "auto", "a list or a text was expected, not 3"),
        (None, "auto", "not null"),
    ],
)
def test_nothing_found_says_what_was_looked_for(value, by, reason):
    with pytest.raises(NoPieces, match=reason):
        cut(value, by)


def test_a_label_is_a_name_or_the_first_words():
    assert label_of({"title": "Tax", "x": 1}) == "Tax"
    assert label_of("## Heading\ntext") == "Heading"
    assert label_of("word " * 50).endswith("…")
    assert len(label_of("word " * 50)) == 48


@given(st.lists(st.text("abc xyz", min_size=1).map(str.strip).filter(bool), min_size=2))
def test_bullets_and_numbers_give_back_what_was_listed(words):
    assert items("\n".join(f"- {word}" for word in words)) == words
    numbered = "\n".join(f"{number}. {word}" for number, word in enumerate(words, 1))
    assert items(numbered) == words


@given(st.text(), st.sampled_from(["auto", "bullets", "headings", "json", "paragraphs", "files"]))
def test_any_text_is_cut_alike_each_time_or_refused(text, by):
    try:
        first = cut(text, by)
    except NoPieces:
        return
    assert first == cut(text, by)
    assert all(piece.item not in ("", None) for piece in first if by != "json")
