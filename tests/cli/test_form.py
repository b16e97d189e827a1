"""What a person types, and what it comes to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.cli.form import fill, read_choice
from konseho_cli.core.errors import NoAnswer
from konseho_cli.models.structured import decode
from konseho_cli.steps.ballots import ballot_schema
from konseho_cli.steps.debate import round_schema

EOF = None
"""Ctrl-D."""


class Typed:
    """A pad on which all lines are typed already, or pasted at once."""

    def __init__(self, *lines: str | None, pasted: bool = False) -> None:
        self.left = list(lines)
        self.pasted = pasted
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    async def line(self, prompt: str) -> str | None:
        self.said.append(prompt)
        return self.left.pop(0)

    async def more(self) -> bool:
        return self.pasted and bool(self.left)

    @property
    def shown(self) -> str:
        return "\n".join(self.said)


def answer(
    schema: Mapping[str, Any] | None, *lines: str | None, pasted: bool = False
) -> tuple[Any, Typed]:
    pad = Typed(*lines, pasted=pasted)
    value = asyncio.run(fill(schema, pad))
    assert not pad.left, "all of it was asked for"
    return value, pad


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


# ------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("One.", ""), "One."),
        (("One.", "Two: é 漢 🚀", ""), "One.\nTwo: é 漢 🚀"),
        (("One.", EOF), "One."),
        (("", "At last.", ""), "At last."),
    ],
)
def test_text_ends_with_an_empty_line_or_with_ctrl_d(lines: Any, text: str) -> None:
    assert answer(None, *lines)[0] == text


@pytest.mark.parametrize(
    ("schema", "lines", "value"),
    [
        (None, ("One.", "", "Two.", "", ""), "One.\n\nTwo."),
        ({"type": "array", "items": {"type": "string"}}, ("a", "", "b", ""), ["a", "b"]),
        ({"type": "object"}, ('{"a":', "", "1}", ""), {"a": 1}),
    ],
)
def test_an_empty_line_does_not_end_what_is_pasted(schema: Any, lines: Any, value: Any) -> None:
    assert answer(schema, *lines, pasted=True)[0] == value


@pytest.mark.parametrize(
    "schema",
    [None, {"type": "boolean"}, {"enum": ["a"]}, {"type": "integer"}, of(a={"type": "string"}), {}],
)
def test_ctrl_d_on_an_empty_question_is_no_answer(schema: Any) -> None:
    with pytest.raises(NoAnswer):
        answer(schema, EOF)


# ------------------------------------------------------------------- choices

WAYS = ("approve", "ask for changes", "abandon", "Änderung")


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("1", 0),
        ("approve", 0),
        ("AP", 0),
        ("as", 1),
        (" ask for changes ", 1),
        ("ab", 2),
        ("än", 3),
    ],
)
def test_a_choice_is_its_number_its_text_or_how_it_begins(typed: str, place: int) -> None:
    assert read_choice(typed, WAYS) == place


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a", "'a' may be 1 or 2 or 3"), ("0", "no choice 0"), ("5", "no choice 5: 1 to 4"),
        ("no", "No choice begins with 'no'"), ("", "Ctrl-D gives none"), ("²", "begins with"),
    ],
)  # fmt: skip
def test_what_may_mean_several_or_none_is_asked_again(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_choice(typed, WAYS)
    value, pad = answer({"type": "string", "enum": list(WAYS)}, typed, "2")
    assert value == "ask for changes"
    assert said.split("'")[-1].strip() in pad.shown


@given(st.lists(st.text("abcäß漢 {}", max_size=8).map("x{}".format), min_size=1, max_size=12))
def test_every_choice_can_be_made_by_its_number_or_its_text(options: list[str]) -> None:
    folded = [option.strip().casefold() for option in options]
    for place, option in enumerate(options):
        if folded.count(folded[place]) == 1:
            assert read_choice(option, options) == place
        if str(place + 1) not in folded:
            assert read_choice(str(place + 1), options) == place


@given(st.text(), st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_whatever_is_typed_is_a_choice_or_a_word_about_it(typed: str, options: list[str]) -> None:
    with suppress(ValueError):
        assert 0 <= read_choice(typed, options) < len(options)


# ------------------------------------------------------------------- forms


def test_an_object_is_asked_for_field_by_field() -> None:
    schema = of(
        score={"type": "integer", "minimum": 1, "maximum": 5, "description": "How good it is."},
        why={"type": "string"},
        ship={"type": "boolean"},
        where={"enum": ["here", "there"]},
        tags={"type": "array", "items": {"type": "string"}},
    )
    value, pad = answer(
        schema, "nine", "9", "4", "It is", "short.", "", "maybe", "Y", "th", "a", "b", ""
    )
    assert value == {
        "score": 4, "why": "It is\nshort.", "ship": True, "where": "there", "tags": ["a", "b"]
    }  # fmt: skip
    assert "score: How good it is.  (a whole number from 1 to 5)" in pad.shown
    assert "'nine' is no number." in pad.shown
    assert "9 is greater than the maximum of 5." in pad.shown
    assert "Answer y or n." in pad.shown


def test_what_is_not_required_may_be_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}, "c": {"const": 1}},
        "required": ["b"],
    }
    assert answer(schema, "", "1.5")[0] == {"b": 1.5, "c": 1}


def test_null_beside_a_type_is_an_empty_line() -> None:
    assert answer({"type": ["integer", "null"]}, "")[0] is None
    assert answer({"type": ["integer", "null"]}, "7")[0] == 7


def test_objects_in_objects_are_asked_for_by_their_path() -> None:
    schema = of(place=of(file={"type": "string", "maxLength": 80}, line={"type": "integer"}))
    value, pad = answer(schema, "a.py", "12")
    assert value == {"place": {"file": "a.py", "line": 12}}
    assert "place.file" in pad.shown


def test_anything_else_is_json_and_is_asked_for_until_it_fits() -> None:
    schema = {"type": "array", "items": of(a={"type": "integer"}), "minItems": 1}
    value, pad = answer(schema, "[{", "", "[]", "", '[{"a":', " 1}]", "")
    assert value == [{"a": 1}]
    assert "not a JSON document" in pad.shown
    assert "That does not fit: [] has less than 1 item" in pad.shown


def test_a_schema_with_references_is_json_as_a_whole() -> None:
    schema = {
        "type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"const": 3}},
    }  # fmt: skip
    value, pad = answer(schema, '{"a": 4}', "", '{"a": 3}', "")
    assert value == {"a": 3}
    assert "a: 3 was expected" in pad.shown


def test_what_fields_cannot_say_is_checked_at_the_end() -> None:
    schema = {**of(a={"type": "integer"}, b={"type": "integer"}), "maxProperties": 1}
    with pytest.raises(NoAnswer):
        answer(schema, "1", "2", EOF)


# ------------------------------------------------------------------- ballots and debates


def test_a_round_of_a_debate_is_a_position_and_yes_or_no() -> None:
    value, _ = answer(round_schema(None), "I hold", "my ground.", "", "n")
    assert value == {"position": "I hold\nmy ground.", "agree": False}


@pytest.mark.parametrize(
    ("form", "typed", "vote"),
    [
        ("choice", ("b",), "B"), ("choice", ("4",), None), ("choice", ("none",), None),
        ("ranking", ("2 1", "2 3 1"), ["B", "C", "A"]), ("ranking", ("c,a,b",), ["C", "A", "B"]),
        ("ranking", ("2 2 1", "-"), None), ("approved", ("0",), []),
        ("approved", ("1 3",), ["A", "C"]), ("approved", ("", "-"), None),
    ],
)  # fmt: skip
def test_a_ballot_can_be_filled_in_and_is_valid(form: Any, typed: Any, vote: Any) -> None:
    schema = ballot_schema(form, ["A", "B", "C"])
    value, _ = answer(schema, "It is better.", "", *typed)
    assert value == {"reason": "It is better.", form: vote}
    decode(json.dumps(value), schema)


def test_what_a_schema_says_cannot_drive_a_terminal() -> None:
    evil = {"enum": ["\x1b[2Jred", "blue"], "description": "\x1b]0;title\x07Which?"}
    _, pad = answer(evil, "1")
    assert "\x1b" not in pad.shown
