"""The JSON Schema of the council file, for editors: types, bounds and the docstrings as hovers."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, get_args

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.limits import Limits
from konseho_cli.core.units import Count, Duration, Money, Share, Size
from konseho_cli.spec.document import CouncilSpec, Input, ModelSpec, Targets
from konseho_cli.spec.preset import Preset
from konseho_cli.spec.settings import Settings, StoreSettings
from konseho_cli.steps.command import Program
from konseho_cli.steps.fields import Fallback, Output, Window
from konseho_cli.steps.union import Step

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:konseho:council:1"
PRESET_ID = "urn:konseho:preset:1"
"""A name, not a place: `konseho schema` writes the file."""

_NUMBER = r"^\s*{}\d+(\.\d+)?\s*{}\s*$"
_QUANTITIES: dict[type, dict[str, Any]] = {
    Duration: {
        "description": "A duration such as 250ms, 90s or 5m; a bare number is seconds.",
        "pattern": _NUMBER.format("", "(us|µs|ms|s|m|h|d)?"),
    },
    Count: {
        "description": "A whole number such as 1500, 200k or 2M.",
        "pattern": _NUMBER.format("", "[kKMG]?"),
    },
    Size: {
        "description": "A size such as 64MiB or 10MB; a bare number is bytes.",
        "pattern": _NUMBER.format("", "([kKmMgG]?[iI]?[bB])?"),
    },
    Share: {
        "description": "A share such as 70% or 0.7.",
        "pattern": _NUMBER.format("", "%?"),
    },
    Money: {
        "description": "US dollars such as $1.50.",
        "pattern": _NUMBER.format(r"\$?\s*", ""),
    },
}
_STRUCTS: tuple[type, ...] = (
    CouncilSpec, Input, ModelSpec, Limits, Targets, Agent, Fallback, Output, Window, Program,
    *get_args(Step),
)  # fmt: skip


def council_schema() -> dict[str, Any]:
    """The schema as plain JSON values, draft 2020-12."""
    return {"$schema": DIALECT, "$id": ID, "title": "Konseho council", **_of(CouncilSpec, _STRUCTS)}


def preset_schema() -> dict[str, Any]:
    """That of preset files."""
    schema = _of(Preset, (Preset, Settings, StoreSettings, Targets))
    return {"$schema": DIALECT, "$id": PRESET_ID, "title": "Konseho preset", **schema}


def _of(kind: type, structs: tuple[type, ...]) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.schema(kind, schema_hook=_quantity)
    definitions = schema["$defs"]
    for struct in structs:
        _describe(struct, definitions[struct.__name__])
    return schema


def _quantity(cls: type) -> dict[str, Any]:
    return {"type": ["string", "number"], "minimum": 0, **_QUANTITIES[cls]}


def _describe(struct: type, definition: dict[str, Any]) -> None:
    """Put the docstring under each field into the definition; what is optional needs no default."""
    texts = _field_docstrings(struct)
    for field in msgspec.structs.fields(struct):
        written = definition["properties"][field.encode_name]
        if field.name in texts:
            written["description"] = texts[field.name]
        if "default" in written and written["default"] is None:
            del written["default"]
    if not definition["required"]:
        del definition["required"]


def _field_docstrings(struct: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls.__module__.startswith("konseho_cli."):
            found.update(_docstrings_of(cls))
    return found


@cache
def _docstrings_of(cls: type) -> Mapping[str, str]:
    """By field: the string that stands below it; the source is read once, not by each heir."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):  # no source beside the code: hovers are not worth an error
        return {}
    return dict(_described(tree))


def _described(tree: ast.Module) -> Iterator[tuple[str, str]]:
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(below.value.value)
