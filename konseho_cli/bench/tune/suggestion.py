"""What a preset cannot hold, as an edit of the council's own file: shown, and never made. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from konseho_cli.bench.tune.tuning import Edit
from konseho_cli.core.marks import Path
from konseho_cli.core.yaml_events import Parsed, parse_yaml
from konseho_cli.spec.document import CouncilSpec

_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'", re.DOTALL)
_SCALAR = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|[^\s,}\]#]+")


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The lines that would be other ones."""

    places: tuple[str, ...]
    """In words: `steps.review.wait: quorum`."""
    diff: str = ""
    """Unified; empty where the file is written in a way that only a person can edit."""
    by_hand: tuple[str, ...] = ()
    """Those of the places that are not in `diff` for that reason."""


def suggest(text: str, file: str, spec: CouncilSpec, edits: Sequence[Edit]) -> Suggestion:
    """`text`: of the council's file, which `spec` was read from."""
    places = tuple(f"{'.'.join(edit.path)}: {_written(edit.value)}" for edit in edits)
    changed, by_hand = text, []
    for place, edit in zip(places, edits, strict=True):
        tried = edited_text(changed, spec, (edit,))
        if tried is None:
            by_hand.append(place)
        else:
            changed = tried
    lines = difflib.unified_diff(
        text.splitlines(), changed.splitlines(), f"a/{file}", f"b/{file}", lineterm="", n=2
    )
    return Suggestion(places=places, diff="\n".join(lines), by_hand=tuple(by_hand))


def edited_text(text: str, spec: CouncilSpec, edits: Sequence[Edit]) -> str | None:
    """The same file with other values; None where that cannot be told to be right."""
    for edit in edits:
        path = _document_path(spec, edit.path)
        parsed = parse_yaml(text)
        wanted = _with(parsed.value, path, edit.value)
        changed = _set(text, parsed, path, _written(edit.value))
        if changed is None or parse_yaml(changed).value != wanted:
            return None
        text = changed
    return text


def _document_path(spec: CouncilSpec, path: tuple[str, ...]) -> Path:
    """Steps are a list in the document; an edit names them."""
    if path[0] != "steps":
        return path
    place = [step.id for step in spec.steps].index(path[1])
    return ("steps", place, *path[2:])


def _with(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list):
        return [
            _with(each, tuple(rest), new) if at == head else each for at, each in enumerate(value)
        ]
    found = value if isinstance(value, dict) else {}
    return {**found, head: _with(found.get(head), tuple(rest), new)}


def _set(text: str, parsed: Parsed, path: Path, written: str) -> str | None:
    if path in parsed.marks.keys:
        return _replaced(text, parsed, path, written)
    around = parsed.marks.values.get(path[:-1])
    if around is None:
        return None
    lines = text.split("\n")
    if lines[around.line][around.column : around.column + 1] == "{":
        return _into_braces(text, _offset(lines, around), f"{path[-1]}: {written}")
    return _below_first_key(lines, parsed, path, f"{path[-1]}: {written}")


def _replaced(text: str, parsed: Parsed, path: Path, written: str) -> str | None:
    mark = parsed.marks.values.get(path)
    if mark is None:
        return None
    start = _offset(text.split("\n"), mark)
    found = _SCALAR.match(text, start)
    return None if found is None else text[:start] + written + text[found.end() :]


def _into_braces(text: str, start: int, entry: str) -> str | None:
    """At the end of a mapping in braces, behind its last entry and before what is said of it."""
    depth, place, last = 0, start, start
    while place < len(text):
        char, before = text[place], text[last - 1]
        if char.isspace():
            place += 1
            continue
        if char == "#" and text[place - 1].isspace():  # a comment
            end = text.find("\n", place)
            place = end if end >= 0 else len(text)
            continue
        if char in "\"'" and before in "{[,:":
            quoted = _QUOTED.match(text, place)
            place = len(text) if quoted is None else quoted.end()
        elif char in "}]" and depth == 1:
            comma = "" if before == "{" else " " if before == "," else ", "
            return text[:last] + comma + entry + text[last:]
        else:
            depth += (char in "{[") - (char in "}]")
            place += 1
        last = place
    return None


def _below_first_key(lines: list[str], parsed: Parsed, path: Path, entry: str) -> str | None:
    """As a line of its own, in front of the mapping's second key."""
    own = [key for key in parsed.marks.keys if len(key) == len(path) and key[:-1] == path[:-1]]
    marks = sorted((parsed.marks.keys[key] for key in own), key=lambda mark: mark.line)
    if len(marks) < 2:
        return None
    second = marks[1]
    return "\n".join(
        [*lines[: second.line], " " * second.column + entry, *lines[second.line :]]
    )  # fmt: skip


def _offset(lines: Sequence[str], mark: Any) -> int:
    return sum(len(line) + 1 for line in lines[: mark.line]) + int(mark.column)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
