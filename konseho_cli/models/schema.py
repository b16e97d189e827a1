"""JSON Schemas as providers take them: an object at the root, and OpenAI's strict subset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SHAPING = frozenset({
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "$ref", "$defs", "definitions", "title", "description", "pattern", "format", "multipleOf",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
})  # fmt: skip
"""Keywords that OpenAI's strict mode takes (its guide 'Structured model outputs')."""
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_LOOSER = frozenset(
    {"minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties", "default",
     "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly"}
)  # fmt: skip
"""Keywords that only narrow or explain: left out of what is sent, since we check the answer."""
_DEPTH = 10
_WRAPPER = "value"


def strict_compatible(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes the schema as it is."""
    if not is_object(schema) or "anyOf" in schema:
        return False
    return _strict(schema, 0)


def loosened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without the keywords that strict mode does not know and that only narrow it."""
    return {key: _loosened_part(key, value) for key, value in schema.items() if key not in _LOOSER}


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether every answer is an object, as providers want it at the root."""
    return schema.get("type") == "object"


def rooted(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself if it describes an object, else an object around it."""
    if is_object(schema):
        return schema
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in shared}
    return {
        "type": "object",
        "properties": {_WRAPPER: inner},
        "required": [_WRAPPER],
        "additionalProperties": False,
        **shared,
    }


def unrooted(text: str, schema: Mapping[str, Any]) -> str:
    """The answer without the object that `rooted` put around it; as it is if that is not there."""
    if is_object(schema):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(document, dict) and document.keys() == {_WRAPPER}:
        return json.dumps(document[_WRAPPER], ensure_ascii=False)
    return text


def _loosened_part(key: str, value: Any) -> Any:
    if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
        return {name: _loosened_schema(part) for name, part in value.items()}
    if key == "anyOf" and isinstance(value, list):
        return [_loosened_schema(part) for part in value]
    return _loosened_schema(value) if key == "items" else value


def _loosened_schema(schema: Any) -> Any:
    return loosened(schema) if isinstance(schema, Mapping) else schema


def _strict(schema: Any, depth: int) -> bool:
    if not isinstance(schema, Mapping) or depth > _DEPTH or not schema.keys() <= _SHAPING:
        return False
    if not schema.keys() & {"type", "enum", "const", "anyOf", "$ref"}:
        return False
    if schema.get("format", "date") not in _FORMATS:
        return False
    kinds = schema.get("type", ())
    if "object" in ([kinds] if isinstance(kinds, str) else kinds) and not _closed(schema):
        return False
    parts = [
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", ()),
        *schema.get("$defs", {}).values(),
        *schema.get("definitions", {}).values(),
    ]
    if kinds == "array" or "items" in schema:
        parts.append(schema.get("items"))
    return all(_strict(part, depth + 1) for part in parts)


def _closed(schema: Mapping[str, Any]) -> bool:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    return schema.get("additionalProperties") is False and set(required) == set(properties)
