"""The beginning of a text, by a rule that a reader can be told. Pure."""

from __future__ import annotations

import re

import msgspec

MOST = 200
"""Characters of an excerpt."""
_LEAST = MOST // 2
_HEADING = re.compile(r"#{1,6}\s")
_END = re.compile(r"[.!?…][\"')\]»”’*_]*(?=\s)")


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A line or two of a text."""

    text: str
    """One line: white space is one space, headings in front of the first words are left out."""
    left_out: int
    """Characters of the whole, counted the same way, that are not in it."""


def excerpt(text: str, most: int = MOST) -> Excerpt:
    """The first sentences that fit; where not even half of that is one, the first words."""
    lines = [line.strip() for line in text.strip().splitlines()]
    whole = " ".join(" ".join(lines).split())
    while len(lines) > 1 and (not lines[0] or _HEADING.match(lines[0])):
        del lines[0]
    said = " ".join(" ".join(lines).split())
    kept = _cut(said, most)
    return Excerpt(text=kept, left_out=len(whole) - len(kept))


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    ends = [match.end() for match in _END.finditer(text, 0, most + 1)]
    if ends and ends[-1] >= min(_LEAST, most // 2):
        return text[: ends[-1]]
    words = text[: most + 1].rpartition(" ")[0]
    return words if len(words) >= most // 2 else text[:most]
