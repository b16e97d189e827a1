"""YAML within bounds: plain values with places, or problems; never a crash, never a hang."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core import yaml_events
from konseho_cli.core.yaml_events import MAX_DEPTH, MAX_VALUES, parse_yaml


def messages(text: str) -> list[str]:
    """What is wrong with a text, as people see it."""
    return [str(problem) for problem in parse_yaml(text, file="f").problems]


def test_values_keep_their_types_and_their_places() -> None:
    parsed = parse_yaml("a: no\nb:\n  - 3\n  - 'x'\nc: |\n  text\n")
    assert parsed.value == {"a": "no", "b": [3, "x"], "c": "text\n"}
    assert parsed.complete
    assert parsed.problems == ()
    assert parsed.marks.of(("b", 1)) == (4, 5)
    assert parsed.marks.of(("b",), key=True) == (2, 1)
    assert parsed.marks.of(("c",)) == (5, 4)


def test_the_place_of_what_is_not_there_is_that_of_what_is_around_it() -> None:
    parsed = parse_yaml("a:\n  b: 1\n")
    assert parsed.marks.of(("a", "missing", 3)) == (2, 3)


def test_a_text_that_begins_later_in_its_file_has_later_lines() -> None:
    parsed = parse_yaml("a: 1\na: 2\n", first_line=5)
    assert parsed.problems[0].line == 6
    assert parsed.marks.of(("a",)) == (5, 4)


PROBLEMS = {
    "a duplicate key": ("a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key 'a' (first on line 1)"),
    "a number as a key": ("1: x\n", "f:1:1: the key '1' is not text (write \"1\")"),
    "nothing as a key": ("~: x\n", "f:1:1: the key '~' is not text (write \"~\")"),
    "a list as a key": (
        "? [a]\n: 3\n",
        "f:1:3: a mapping or list cannot be a key (a template needs quotes: \"{{ … }}\")",
    ),
    "a template without quotes": (
        "a: {{ task }}\n",
        "f:1:5: a: a mapping or list cannot be a key (a template needs quotes: \"{{ … }}\")",
    ),
    "a python tag": (
        "a: !!python/object:os.system x\n",
        "f:1:4: the tag '!!python/object:os.system' is not allowed: only plain data is read",
    ),
    "a tag of one's own": (
        "a: !env {b: 1}\n", "f:1:4: the tag '!env' is not allowed: only plain data is read",
    ),
    "a list tagged as a mapping": (
        "a: !!map [b]\n", "f:1:4: the tag '!!map' is not allowed: only plain data is read",
    ),
    "a scalar of another type than its tag": ("a: !!int x\n", "f:1:4: 'x' is not of the type !!int"),
    "a merge key": (
        "a: &a {b: 1}\nc: {<<: *a}\n",
        "f:2:5: c: merge keys (<<) are not part of YAML 1.2 (write the keys out)",
    ),
    "an anchor inside itself": ("a: &a {b: *a}\n", "f:1:11: a: the anchor 'a' contains itself"),
    "an anchor that is not there": ("a: *b\n", "f:1:4: the anchor 'b' is not defined above"),
    "two documents": ("a: 1\n---\nb: 2\n", "f:2:1: a second document begins here (one document a file)"),
    "a number that is too large": (
        "a: 99999999999999999999\n",
        "f:1:4: the number '99999999999999999999' is too large (quote it)",
    ),
    "a colon in plain text": (
        "a: b: c\n",
        "f:1:5: not YAML: mapping values are not allowed in this context "
        "(put text that holds ': ' in quotes)",
    ),
    "a tab as an indent": (
        "a:\n\t- b\n",
        "f:2:1: not YAML: found character that cannot start any token "
        "(indent with spaces, and put such text in quotes)",
    ),
    "a bracket left open": (
        "a: [1, 2\nb: 3\n",
        "f:2:2: not YAML: did not find expected ',' or ']' "
        "(a bracket is not closed, or text in brackets needs quotes)",
    ),
    "a control character": ("a: x\n\x07b: 1\n", "f:2:1: the character U+0007 does not belong in a text file"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_problem_names_its_place_and_the_way_out(text: str, message: str) -> None:
    assert messages(text) == [message]


def test_the_first_of_two_equal_keys_stays_and_the_rest_is_still_read() -> None:
    parsed = parse_yaml("a: 1\na: {x: [1]}\nb: 2\nb: 3\n1: x\n")
    assert parsed.value == {"a": 1, "b": 2}
    assert len(parsed.problems) == 3
    assert parsed.complete


def test_tags_of_the_core_schema_are_read() -> None:
    text = "a: !!str 3\nb: !!int '3'\nc: !!float 3\nd: !!seq [1]\ne: !!map {}\nf: ! 3\n'<<': 1\n"
    parsed = parse_yaml(text)
    assert parsed.problems == ()
    assert parsed.value == {"a": "3", "b": 3, "c": 3.0, "d": [1], "e": {}, "f": "3", "<<": 1}


def test_an_alias_stands_for_its_anchor_and_has_a_place_of_its_own() -> None:
    parsed = parse_yaml("a: &x {b: 1}\nc: *x\nd: &k key\n*k : 2\n")
    assert parsed.value == {"a": {"b": 1}, "c": {"b": 1}, "d": "key", "key": 2}
    assert parsed.marks.of(("c", "b")) == (2, 4)


def test_only_finite_numbers_are_json() -> None:
    assert parse_yaml("a: 1.5\n").finite
    assert not parse_yaml("a: [.inf]\n").finite


def bomb() -> str:
    """The billion laughs."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for name, inner in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{inner}'] * 9)}]")
    return "\n".join(lines)


def tower() -> str:
    """Aliases that are one level deeper each."""
    return "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1000))


HOSTILE = {
    "billion laughs": (bomb(), "the anchors expand to more than 100,000 values"),
    "a tower of aliases": (tower(), "nested deeper than 64 levels, aliases followed"),
    "brackets": ("[" * 100_000, "nested deeper than 64 levels"),
    "braces": ("{a: " * 100_000, "nested deeper than 64 levels"),
    "brackets and braces": ("[{" * 100_000, "nested deeper than 64 levels"),
    "dashes": ("- " * 100_000, "nested deeper than 64 levels"),
    "question marks": ("? " * 100_000, "nested deeper than 64 levels"),
    "indents": ("".join(" " * n + "a:\n" for n in range(1000)), "nested deeper than 64 levels"),
    "many values": ("- 1\n" * 200_000, "there are more than 100,000 values"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_read_no_further_than_its_bound(text: str, message: str) -> None:
    parsed = parse_yaml(text)
    assert parsed.problems[-1].message == message
    assert not parsed.complete


def test_as_deep_as_allowed_is_allowed() -> None:
    assert parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == ()
    assert parse_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).problems != ()


def test_as_many_as_allowed_are_allowed() -> None:
    assert parse_yaml("- 1\n" * (MAX_VALUES - 1)).problems == ()


def test_no_more_problems_are_kept_than_anybody_reads() -> None:
    assert len(parse_yaml("a: 1\n" * 1000).problems) == yaml_events.MAX_PROBLEMS


def test_half_a_surrogate_pair_is_a_problem_too() -> None:
    assert messages("a: \ud800") == ["f:1:4: the character U+D800 does not belong in a text file"]


def test_without_the_c_parser_the_python_one_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a: &x [1, no, 'y']\nb: {c: *x}\na: 2\nd: !t 3\n"
    fast = parse_yaml(text, file="f")
    monkeypatch.setattr(yaml_events, "_LOADER", yaml.SafeLoader)
    slow = parse_yaml(text, file="f")
    assert slow.value == fast.value
    assert slow.problems == fast.problems


@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"#%@? \n\t~1"), max_size=60))
def test_any_text_is_a_value_or_a_problem(text: str) -> None:
    parsed = parse_yaml(text)
    assert parsed.complete or parsed.problems


LETTERS = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\té漢😀")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(LETTERS, max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=4),
)  # fmt: skip


@given(JSON)
def test_json_is_yaml(value: Any) -> None:
    parsed = parse_yaml(json.dumps(value, ensure_ascii=False))
    assert parsed.problems == ()
    assert parsed.value == value
