"""Structured answers: strict, with every mistake named."""

from __future__ import annotations

import pytest

from konseho_cli.core.errors import InvalidReply
from konseho_cli.models.structured import decode, repair_prompt

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n"],
    "additionalProperties": False,
}


def test_a_document_that_meets_its_schema_is_the_value() -> None:
    assert decode(' {"n": 3, "s": "x"}\n', SCHEMA) == {"n": 3, "s": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a JSON document"),
        ("I choose A.", "not a JSON document"),
        ('```json\n{"n": 3}\n```', "not a JSON document"),
        ('{"n": NaN}', "NaN is not JSON"),
        ('{"n": 3} and more', "not a JSON document"),
        ('{"n": "3"}', "n: "),
        ("{}", '"n" is a required property'),
        ('{"n": 1, "x": 2}', "x"),
        ("[" * 100_000, "not a JSON document"),
        ("[" * 600 + "]" * 600, "nested more than 64 deep"),
        ('{"n": 1e999}', "not a number that JSON can hold"),
    ],
)
def test_anything_else_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InvalidReply) as caught:
        decode(text, SCHEMA)
    assert message in str(caught.value)


def test_several_mistakes_are_named_together() -> None:
    with pytest.raises(InvalidReply, match=r"n: .*; s: "):
        decode('{"n": "x", "s": 1}', SCHEMA)


def test_a_schema_cannot_reach_the_network() -> None:
    with pytest.raises(Exception, match=r"example\.invalid"):
        decode("{}", {"$ref": "http://example.invalid/schema"})


def test_a_repair_shows_the_error_and_the_schema() -> None:
    text = repair_prompt(InvalidReply("n: 'x' is no integer"), SCHEMA)
    assert "n: 'x' is no integer" in text
    assert '"required": ["n"]' in text
