"""Structured answers: parsed strictly, checked against their JSON Schema, never guessed at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from konseho_cli.core.errors import InvalidReply
from konseho_cli.core.nesting import MAX_DEPTH, nests_deeper

if TYPE_CHECKING:
    import jsonschema_rs

_CHECKERS: dict[str, jsonschema_rs.Validator] = {}
_SHOWN = 3
"""How many mistakes a repair is told about."""


def decode(text: str, schema: Mapping[str, Any]) -> Any:
    """The value that the text states. Raises InvalidReply with what is wrong with it."""
    value = decode_any(text)
    mistakes = [
        f"{'.'.join(map(str, error.instance_path)) or 'the document'}: {error.message}"
        for error in _checker(schema).iter_errors(value)
    ]
    if mistakes:
        more = f" (and {len(mistakes) - _SHOWN} more)" if len(mistakes) > _SHOWN else ""
        raise InvalidReply("; ".join(mistakes[:_SHOWN]) + more)
    return value


def decode_any(text: str) -> Any:
    """The value of a document without a schema. Raises InvalidReply."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if nests_deeper(value):
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
    except (ValueError, RecursionError) as error:
        raise InvalidReply(f"not a JSON document: {error}") from None
    return value


def repair_prompt(error: InvalidReply, schema: Mapping[str, Any]) -> str:
    """What the model is told, once, about an answer in the wrong shape."""
    return (
        f"Your answer could not be read: {error}.\n"
        "Answer again with one JSON document that meets this JSON Schema, and nothing else:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text:.40} is not a number that JSON can hold")
    return number


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _checker(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    key = json.dumps(schema, sort_keys=True)
    checker = _CHECKERS.get(key)
    if checker is None:
        import jsonschema_rs  # only councils that ask for structure pay for it

        if len(_CHECKERS) >= 256:
            _CHECKERS.clear()
        checker = _CHECKERS[key] = jsonschema_rs.validator_for(dict(schema), offline=True)
    return checker
