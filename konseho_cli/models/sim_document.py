"""Documents that meet a JSON Schema, for the simulator: what ballots, verdicts and forms use."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from konseho_cli.core.errors import ModelRefused

MAX_PARTS = 5_000
"""Values in one document."""
MAX_TEXT = 1_000_000
"""Characters of one string."""
_DEEPEST = 6
"""Levels after which only what is required is filled in, so that recursive schemas end."""


def example(schema: Mapping[str, Any], words: random.Random, mark: str) -> Any:
    """A document for the schema; its free strings start with `mark`."""
    return _Maker(schema, words, mark).make(schema, 0)


class _Maker:
    """One document in the making."""

    def __init__(self, root: Mapping[str, Any], words: random.Random, mark: str) -> None:
        self._root = root
        self._words = words
        self._mark = mark
        self._parts = 0

    def make(self, schema: Any, depth: int) -> Any:
        self._count(1)
        if not isinstance(schema, Mapping) or depth > 3 * _DEEPEST:
            return f"{self._mark} anything"
        schema = self._flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            stated = [value for value in schema["enum"] if value is not None]
            return self._words.choice(stated) if stated else None  # it never abstains
        kind = schema.get("type") or _implied(schema)
        if isinstance(kind, list):
            kind = kind[0] if kind else "string"
        makers = {
            "object": self._object, "array": self._array, "integer": self._integer,
            "number": self._number, "string": self._string,
        }  # fmt: skip
        if kind in makers:
            return makers[kind](schema, depth)
        return self._words.random() < 0.7 if kind == "boolean" else None

    def _count(self, parts: int) -> None:
        """Refuse what would take longer than anybody waits. Raises ModelRefused."""
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise ModelRefused(f"sim: the schema asks for more than {MAX_PARTS:,} values")

    def _flat(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        """References followed, unions decided, `allOf` joined: a schema of keywords alone."""
        for _ in range(20):
            if "$ref" in schema:
                schema = {**self._target(str(schema["$ref"])), **_without(schema, "$ref")}
            elif union := next((key for key in ("anyOf", "oneOf") if schema.get(key)), None):
                branches: Sequence[Any] = schema[union]
                chosen = branches[-1] if depth > _DEEPEST else self._words.choice(branches)
                schema = _joined(_without(schema, union), chosen)
            elif "allOf" in schema:
                joined = _without(schema, "allOf")
                for part in schema["allOf"]:
                    joined = _joined(joined, part)
                schema = joined
            else:
                break
        return schema

    def _target(self, pointer: str) -> Mapping[str, Any]:
        node: Any = self._root
        for key in pointer.removeprefix("#").split("/")[1:]:
            key = key.replace("~1", "/").replace("~0", "~")
            node = node.get(key, {}) if isinstance(node, Mapping) else {}
        return node if isinstance(node, Mapping) else {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        wanted = [key for key in properties if depth <= _DEEPEST or key in required]
        wanted += [key for key in required if key not in properties]
        made = {key: self.make(properties.get(key, {}), depth + 1) for key in wanted}
        others = schema.get("additionalProperties", {})
        for number in range(min(MAX_PARTS + 1, schema.get("minProperties", 0)) - len(made)):
            made[f"simulated_{number + 1}"] = self.make(others, depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        most = max(least, min(schema.get("maxItems", 3), 3))
        fixed = [self.make(item, depth + 1) for item in schema.get("prefixItems", [])]
        items = schema.get("items", {})
        count = least if depth > _DEEPEST else self._words.randint(max(least, min(1, most)), most)
        choices = list(items["enum"]) if isinstance(items, Mapping) and "enum" in items else None
        if count > MAX_PARTS:
            self._count(count)
        if schema.get("uniqueItems") and choices is not None:
            return self._words.sample(choices, min(count, len(choices)))
        made: list[Any] = fixed[:most]
        for _ in range(4 * count):
            if len(made) >= count:
                break
            item = self.make(items, depth + 1)
            if not schema.get("uniqueItems") or item not in made:
                made.append(item)
        return made

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        step = int(schema.get("multipleOf", 1)) or 1
        low, high = _bounds(schema, step)
        least, most = math.ceil(low / step), math.floor(high / step)
        return self._words.randint(least, max(least, most)) * step

    def _number(self, schema: Mapping[str, Any], depth: int) -> float:
        if step := schema.get("multipleOf"):
            low, high = _bounds(schema, step)
            least, most = math.ceil(low / step), math.floor(high / step)
            return float(self._words.randint(least, max(least, most)) * step)
        low, high = _bounds(schema, 0.0)
        return low + (high - low) * self._words.randint(1, 999) / 1000

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        fixed = {"date": "2000-01-01", "date-time": "2000-01-01T00:00:00Z", "uri": "sim:simulated",
                 "email": "simulated@example.invalid"}.get(schema.get("format", ""))  # fmt: skip
        text = fixed or f"{self._mark} text {self._words.randint(1, 999)}"
        if schema.get("minLength", 0) > MAX_TEXT:
            raise ModelRefused(f"sim: the schema asks for more than {MAX_TEXT:,} characters")
        text = text.ljust(schema.get("minLength", 0), ".")
        return text[: schema.get("maxLength", len(text))]


def _implied(schema: Mapping[str, Any]) -> str:
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _joined(schema: Mapping[str, Any], part: Any) -> dict[str, Any]:
    """Both schemas' demands; what both name is the latter's, but properties and required add up."""
    if not isinstance(part, Mapping):
        return dict(schema)
    joined = {**schema, **part}
    if "properties" in schema and "properties" in part:
        joined["properties"] = {**schema["properties"], **part["properties"]}
    if "required" in schema and "required" in part:
        joined["required"] = [*schema["required"], *part["required"]]
    return joined


def _bounds(schema: Mapping[str, Any], step: float) -> tuple[float, float]:
    """Least and greatest value; where one is not stated, a span of ten steps from the other."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    span = 10 * max(step, 1)
    if low is None:
        low = 0 if high is None or high >= 0 else high - span
    return low, (low + span if high is None else high)
