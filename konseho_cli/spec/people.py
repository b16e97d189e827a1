"""A population's items in a file: JSON, JSON Lines, CSV with a header, or YAML."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.nesting import MAX_DEPTH, nests_deeper
from konseho_cli.core.source import read_source, refusal, shown_path
from konseho_cli.core.yaml_events import parse_yaml
from konseho_cli.spec.problems import by_line, shown

MAX_FILE = 16 * 2**20
"""Bytes of one file of people."""


def read_people(path: Path) -> list[Any]:
    """The list that the file holds. Raises InvalidCouncil with its place."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        known = ", ".join(_READERS)
        raise refusal(
            path, f"nobody knows what a '{path.suffix[:20]}' holds", hint=f"known: {known}"
        )
    people = read(path, read_source(path, limit=MAX_FILE))
    if not isinstance(people, list):
        raise refusal(path, f"a list of items is needed, not {shown(people)}")
    return people


def _json(path: Path, text: str) -> Any:
    return _decoded(path, text, None)


def _json_lines(path: Path, text: str) -> list[Any]:
    lines = text.split("\n")
    return [_decoded(path, line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _decoded(path: Path, text: str, line: int | None) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        at = error.lineno if line is None else line
        raise refusal(path, f"this is no JSON: {error.msg}", line=at) from None
    except (ValueError, RecursionError) as error:
        raise refusal(path, f"this is no JSON: {str(error)[:200]}", line=line) from None
    if nests_deeper(value):
        raise refusal(path, f"nested more than {MAX_DEPTH} deep", line=line)
    return value


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:40]} is too large")
    return number


def _csv(path: Path, text: str) -> list[dict[str, str]]:
    """A mapping a row, all of it text; the header names the columns."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(path, header)
        people = []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                what = f"{len(row)} columns, but the header has {len(header)}"
                raise refusal(path, what, line=rows.line_num)
            people.append(dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise refusal(path, f"this is no CSV: {error}", line=rows.line_num) from None
    return people


def _check_header(path: Path, header: list[str]) -> None:
    if not any(header):
        raise refusal(path, "the file is empty", hint="the first line names the columns")
    twice = [name for place, name in enumerate(header) if not name or name in header[:place]]
    if twice:
        what = f"column '{twice[0][:60]}' is there twice" if twice[0] else "a column has no name"
        raise refusal(path, what, line=1)


def _yaml(path: Path, text: str) -> Any:
    parsed = parse_yaml(text, file=shown_path(path))
    if parsed.problems or not parsed.complete:
        raise InvalidCouncil(by_line(parsed.problems))
    if not parsed.finite:
        raise refusal(path, "a number in it is infinite, or none")
    return parsed.value


_READERS: Mapping[str, Callable[[Path, str], Any]] = {
    ".json": _json, ".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _csv, ".yaml": _yaml,
    ".yml": _yaml,
}  # fmt: skip
SUFFIXES = tuple(_READERS)
"""Of files that can be read."""
