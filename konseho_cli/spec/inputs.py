"""Inputs: how they are declared, and what the caller gives for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from math import isfinite
from pathlib import Path
from typing import Any

from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.core.nesting import MAX_DEPTH, nests_deeper
from konseho_cli.core.source import read_source, read_stdin
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.spec.document import CouncilSpec, Input
from konseho_cli.spec.problems import Problems, shown

MAX_FILE = 8 * 2**20
"""Bytes of a file that is given as an input."""
MAX_TOLD = 10
"""Things that are wrong, in one message."""

_EXPECTED = {
    "text": "text", "number": "a number", "boolean": "true or false", "json": "JSON",
}  # fmt: skip


def check_declarations(inputs: Mapping[str, Input], problems: Problems) -> None:
    """A default is of the declared type, and there is none where the caller must say."""
    for name, each in inputs.items():
        if each.default is None:
            continue
        path = ("inputs", name, "default")
        if each.required:
            what = "a required input has no default"
            problems.error(path, what, hint="remove one of the two", value=each.default)
        if not _is(each.type, each.default):
            expected = _EXPECTED[each.type]
            what = f"expected {expected} (its type), got {shown(each.default)}"
            problems.error(path, what, value=each.default)


def read_inputs(spec: CouncilSpec, pairs: Sequence[str]) -> dict[str, Any]:
    """Values from `NAME=VALUE` and `NAME=@FILE` (`@-`: stdin), defaults filled in.

    Raises UsageError that names what is unknown, missing, given twice or of the wrong type.
    """
    given: dict[str, str] = {}
    wrong: list[str] = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals:
            wrong.append(f"--input {_short(pair)}: write NAME=VALUE or NAME=@FILE")
        elif name in given:
            wrong.append(f"input '{name}' is given twice")
        else:
            given[name] = text
    values: dict[str, Any] = {}
    for name, text in given.items():
        declared = spec.inputs.get(name)
        try:
            values[name] = text if declared is None else _parsed(declared, text)
        except ValueError as error:
            wrong.append(f"input '{name}': {error}")
    broken = given.keys() - values.keys()
    return _complete(spec, values, wrong, known_broken=broken)


def fill_inputs(spec: CouncilSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values given in Python, checked, with defaults filled in. Raises UsageError."""
    wrong = [
        f"input '{name}': expected {_EXPECTED[spec.inputs[name].type]}, got {shown(value)}"
        for name, value in given.items()
        if name in spec.inputs and not _is(spec.inputs[name].type, value)
    ]
    return _complete(spec, dict(given), wrong)


def _complete(
    spec: CouncilSpec,
    values: dict[str, Any],
    wrong: list[str],
    *,
    known_broken: Set[str] = frozenset(),
) -> dict[str, Any]:
    for name in (name for name in values if name not in spec.inputs):
        near = did_you_mean(name, spec.inputs)
        listed = f"inputs: {', '.join(spec.inputs)}" if spec.inputs else "the council has none"
        wrong.append(f"unknown input '{_short(name)}' ({near or listed})")
    for name, declared in spec.inputs.items():
        if name in values or name in known_broken:
            continue
        if declared.required:
            about = f" ({declared.description})" if declared.description else ""
            wrong.append(f"input '{name}' is missing{about}")
        values[name] = declared.default
    if len(wrong) > MAX_TOLD:
        wrong[MAX_TOLD:] = [f"and {len(wrong) - MAX_TOLD} more"]
    if wrong:
        hint = "give inputs as --input NAME=VALUE or --input NAME=@FILE"
        raise UsageError("\n".join(wrong), hint=hint)
    return values


def _parsed(declared: Input, text: str) -> Any:
    """The value of one text. Raises ValueError."""
    if text.startswith("@"):
        text = _file(text[1:])
    return _PARSERS[declared.type](text)


def _file(name: str) -> str:
    if name == "-":
        return _stdin()
    try:
        return read_source(Path(name), limit=MAX_FILE)
    except InvalidCouncil as error:
        raise ValueError(str(error)) from None


def _stdin() -> str:
    try:
        return read_stdin(MAX_FILE)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _number(text: str) -> int | float:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("expected a number of at most 64 bits")
    if not _is("number", value):
        raise ValueError(f"expected a number, got {shown(text)}")
    number: int | float = value
    return number


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(f"expected true or false, got {shown(text)}")
    return word == "true"


def _json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant)
        if nests_deeper(value):
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        json.dumps(value, allow_nan=False)  # 1e999 is read as infinity
        return value
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected JSON: {str(error)[:200]}") from None


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "text": str, "number": _number, "boolean": _boolean, "json": _json,
}  # fmt: skip


def _is(kind: str, value: Any) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and isfinite(value)
    return True


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
