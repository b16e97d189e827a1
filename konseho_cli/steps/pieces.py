"""Cutting work into pieces: lists as they are, text by its own structure. Pure, deterministic."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.context.templates import as_json
from konseho_cli.steps.base import JSON

By: TypeAlias = Literal[
    "auto", "items", "json", "headings", "numbers", "bullets", "paragraphs", "files", "lines"
]
_FENCE = re.compile(r"^\s*(```|~~~)")
_FENCED = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})\s+\S")
_BULLET = re.compile(r"^(\s*)[-*+•]\s+(?=\S)")
_NUMBER = re.compile(r"^(\s*)\(?\d{1,5}[.)]\s+(?=\S)")
_FILE = re.compile(r"^(?=\S*[./])(?!\S+://)[^\s<>|:*?\"]+$")
_SHOWN = 48
"""Characters of a label."""
_NAMES = ("name", "title", "id", "label", "file", "path")
_CALLED = ("name", "title", "id")
"""Under each of which others may call a piece."""


class NoPieces(ValueError):
    """Nothing of the kind was found; the message says what was looked for, and where."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the work."""

    item: JSON
    name: str
    """What others call it that come after it."""
    also: tuple[str, ...] = ()
    """What they may call it as well, where nothing else has that name: its `id` beside its `title`."""
    label: str
    """A few words of it, for people."""


def cut(value: JSON, by: By = "auto") -> tuple[Piece, ...]:
    """The pieces of a list, of a mapping's values, or of a text. Raises NoPieces."""
    if isinstance(value, Mapping):
        called = ((str(key), str(key), item) for key, item in value.items())
    elif isinstance(value, (str, Sequence)):
        items = _cut_text(value, by) if isinstance(value, str) else value
        called = ((name_of(item), label_of(item), item) for item in items)
    else:
        raise NoPieces(f"a list or a text was expected, not {as_json(value)}")
    found = [
        Piece(item=item, name=name, also=_others(item, name), label=label)
        for name, label, item in called
    ]
    if not isinstance(value, str) and by not in ("auto", "items"):
        raise NoPieces(f"`by: {by}` cuts text, but `items` is already in pieces")
    if not found:
        raise NoPieces(f"{_LOOKED_FOR[by]} in {_glimpse(value)}")
    return tuple(found)


def name_of(item: JSON) -> str:
    """A name in it, or all of it."""
    if isinstance(item, Mapping):
        item = next((item[name] for name in _NAMES if item.get(name)), item)
    return (item if isinstance(item, str) else as_json(item)).strip()


def _others(item: JSON, name: str) -> tuple[str, ...]:
    """Names in it, beside that one."""
    named = [item.get(key) for key in _CALLED] if isinstance(item, Mapping) else []
    texts = (str(one).strip() for one in named if isinstance(one, (str, int)))
    return tuple(text for text in texts if text not in ("", name))


def label_of(item: JSON) -> str:
    """A few words that tell pieces apart: a name in it, or its first line."""
    lines = name_of(item).splitlines()
    line = lines[0].lstrip("#*-+ ").strip() if lines else ""
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _cut_text(text: str, by: By) -> list[JSON]:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if by == "items":
        raise NoPieces(f"`by: items` takes a list, but `items` is text: {_glimpse(text)}")
    if by != "auto":
        return _CUTTERS[by](text)
    for guess in _GUESSES:
        found = guess(text)
        if found:
            return found
    return [text] if text else []


# ------------------------------------------------------------------------- one way of cutting each


def _json(text: str) -> list[JSON]:
    fenced = _FENCED.match(text)
    body = fenced[1].strip() if fenced else text
    if not body.startswith("["):
        return []
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(value)


def _headings(text: str) -> list[JSON]:
    """Sections of the highest level that has several headings; what is before them is no piece."""
    marked = [(line, _HEADING.match(line) if free else None) for line, free in _lines(text)]
    levels = [len(match[1]) for _, match in marked if match]
    if not levels:
        return []
    level = min((one for one in levels if levels.count(one) > 1), default=min(levels))
    return _blocks(
        [(line, match is not None and len(match[1]) <= level) for line, match in marked], level
    )


def _blocks(marked: Sequence[tuple[str, bool]], level: int) -> list[JSON]:
    sections: list[list[str]] = []
    for line, starts in marked:
        if starts:
            sections.append([line])
        elif sections:
            sections[-1].append(line)
    # A heading above the chosen level ends a section, but is none.
    return [
        "\n".join(section).strip() for section in sections if section[0].startswith("#" * level)
    ]


def _bullets(text: str) -> list[JSON]:
    return _listed(text, _BULLET)


def _numbers(text: str) -> list[JSON]:
    return _listed(text, _NUMBER)


def _listed(text: str, marker: re.Pattern[str]) -> list[JSON]:
    """The outermost items, with the lines that continue them; introduction and close left out."""
    marked = [(line, marker.match(line) if free else None) for line, free in _lines(text)]
    depth = min((_width(match[1]) for _, match in marked if match), default=0)
    items: list[list[str]] = []
    after_blank = ended = False
    for line, match in marked:
        if match and _width(match[1]) == depth:
            items.append([line[match.end() :]])
            ended = False
        elif items and not ended and line.strip():
            # As in Markdown: a paragraph at the margin, after a blank line, is not in the list.
            ended = after_blank and _width(line[: len(line) - len(line.lstrip())]) <= depth
            if not ended:
                items[-1].append(line)
        elif items and not ended:
            items[-1].append("")
        after_blank = not line.strip()
    return [_dedented(item) for item in items]


def _dedented(item: Sequence[str]) -> str:
    rest = [line for line in item[1:] if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    return "\n".join([item[0], *(line[margin:] for line in item[1:])]).strip()


def _paragraphs(text: str) -> list[JSON]:
    blocks: list[list[str]] = [[]]
    for line, free in _lines(text):
        if line.strip() or not free:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return ["\n".join(block).strip() for block in blocks if block]


def _plain_lines(text: str) -> list[JSON]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _files(text: str) -> list[JSON]:
    """Lines that are each a path: no blanks, and a slash or a dot."""
    return [line for line in _plain_lines(text) if _FILE.match(str(line))]


def _lines(text: str) -> list[tuple[str, bool]]:
    """Every line, and whether it stands outside fenced code."""
    found: list[tuple[str, bool]] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        found.append((line, not fence and match is None))
        if match and (not fence or match[1] == fence):
            fence = "" if fence else match[1]
    return found


def _width(indent: str) -> int:
    return len(indent.expandtabs(4))


# ----------------------------------------------------------------------------------- `by: auto`


def _guess_list(text: str) -> list[JSON]:
    """Numbers or bullets, whichever comes first; the others are then inside its items."""
    for line, free in _lines(text):
        for marker, cutter in ((_NUMBER, _numbers), (_BULLET, _bullets)):
            if free and marker.match(line):
                return _several(cutter)(text)
    return []


def _guess_files(text: str) -> list[JSON]:
    lines = _plain_lines(text)
    return lines if len(lines) > 1 and len(_files(text)) == len(lines) else []


def _guess_paragraphs(text: str) -> list[JSON]:
    """Blocks, where some block has several lines; otherwise its lines are the pieces."""
    blocks = _paragraphs(text)
    return blocks if len(blocks) > 1 and any("\n" in str(block) for block in blocks) else []


def _several(cutter: Callable[[str], list[JSON]]) -> Callable[[str], list[JSON]]:
    def guess(text: str) -> list[JSON]:
        found = cutter(text)
        return found if len(found) > 1 else []

    return guess


_GUESSES: tuple[Callable[[str], list[JSON]], ...] = (
    _json, _several(_headings), _guess_list, _guess_files, _guess_paragraphs, _plain_lines,
)  # fmt: skip
_CUTTERS: Mapping[By, Callable[[str], list[JSON]]] = {
    "json": _json, "headings": _headings, "numbers": _numbers, "bullets": _bullets,
    "paragraphs": _paragraphs, "files": _files, "lines": _plain_lines,
}  # fmt: skip
_LOOKED_FOR: Mapping[By, str] = {
    "auto": "no pieces of any kind",
    "items": "no items",
    "json": "no JSON array",
    "headings": "no Markdown headings",
    "numbers": "no numbered lines",
    "bullets": "no bulleted lines",
    "paragraphs": "no paragraphs",
    "files": "no lines that are file names",
    "lines": "no lines",
}


def _glimpse(value: JSON) -> str:
    text = value if isinstance(value, str) else as_json(value)
    if not text.strip():
        return "an empty text"
    return repr(text[:60]) + ("…" if len(text) > 60 else "")
