from __future__ import annotations

from typing import Any

import pytest

from konseho_cli.models.schema import loosened, rooted, strict_compatible, unrooted

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"approve": {"type": "boolean"}},
    "required": ["approve"],
    "additionalProperties": False,
}


def closed(part: Any) -> dict[str, Any]:
    return {**CLOSED, "properties": {"approve": part}}


def test_a_closed_object_with_all_its_fields_required_is_strict() -> None:
    assert strict_compatible(CLOSED)


@pytest.mark.parametrize(
    "schema",
    [
        {key: value for key, value in CLOSED.items() if key != "additionalProperties"},
        {**CLOSED, "required": []},
        {"type": "array", "items": CLOSED},
        {**CLOSED, "anyOf": [CLOSED]},
        {**CLOSED, "allOf": [CLOSED]},
        closed({}),
        closed(True),
        closed({"type": "array"}),
        closed({"type": "array", "items": {"type": "object"}}),
        closed({"type": "string", "format": "uri"}),
        closed({"type": ["object", "null"]}),
        closed({"oneOf": [{"type": "string"}]}),
    ],
)
def test_what_strict_mode_refuses_is_not_strict(schema: dict[str, Any]) -> None:
    assert not strict_compatible(schema)


def test_lists_enums_and_references_are_strict() -> None:
    part = {"anyOf": [{"type": "array", "items": {"enum": ["A", "B"]}}, {"$ref": "#/$defs/x"}]}
    assert strict_compatible({**closed(part), "$defs": {"x": CLOSED}})


def test_a_schema_nested_without_end_is_not_strict() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(500):
        schema = closed(schema)
    assert not strict_compatible(schema)


def test_what_only_narrows_is_left_out_but_never_a_field_of_that_name() -> None:
    schema = closed({"type": "array", "items": {"enum": ["A"]}, "uniqueItems": True})
    schema["properties"]["default"] = {"type": "string", "minLength": 1}
    schema["required"] = ["approve", "default"]
    assert not strict_compatible(schema)
    assert strict_compatible(loosened(schema))
    assert loosened(schema)["properties"]["default"] == {"type": "string"}


def test_a_list_is_asked_for_inside_an_object_and_taken_out_again() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "number"}}}
    root = rooted(schema)
    assert root["type"] == "object"
    assert root["$defs"] == schema["$defs"]
    assert unrooted('{"value": [1, 2]}', schema) == "[1, 2]"


@pytest.mark.parametrize("text", ["[1, 2]", "no JSON", '{"value": 1, "more": 2}', "[" * 100_000])
def test_an_answer_without_that_object_stays_as_it_is(text: str) -> None:
    assert unrooted(text, {"type": "array"}) == text


def test_an_object_is_asked_for_as_it_is() -> None:
    assert rooted(CLOSED) == CLOSED
    assert unrooted('{"value": 1}', CLOSED) == '{"value": 1}'
