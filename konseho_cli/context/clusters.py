"""Where a text may be cut: never inside what a reader sees as one character.

The rules of Unicode's annex 29 for grapheme clusters, as far as `unicodedata` can tell. Where it
cannot, a place counts as inside: a cut moved by a character harms nobody, a torn one does.
"""

from __future__ import annotations

import unicodedata

_ZWJ = "\u200d"
_JOINERS = frozenset("\u0e33\u0eb3\u200c\u200d\uff9e\uff9f")
"""What belongs to its left, though its category does not say so."""
_VIRAMA = 9
"""The combining class of what ties two consonants together."""


def cut_before(text: str, at: int) -> int:
    """The last place at or before `at` where the text may be cut."""
    at = min(max(at, 0), len(text))
    while not _between(text, at):
        at -= 1
    return at


def cut_after(text: str, at: int) -> int:
    """The first place at or after `at` where the text may be cut."""
    at = min(max(at, 0), len(text))
    while not _between(text, at):
        at += 1
    return at


def _between(text: str, at: int) -> bool:
    """Whether `at` lies between two clusters, or at an end of the text."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return before != "\r" or after != "\n"
    if _extends(after) or _leads(before):
        return False
    if _is_flag(before) and _is_flag(after):
        return _flags_before(text, at) % 2 == 0
    half = "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    return not half and not _one_syllable(before, after)


def _extends(char: str) -> bool:
    """Whether it belongs to what stands before it."""
    return (
        unicodedata.category(char) in ("Mn", "Me", "Mc")
        or char in _JOINERS
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # the colour of a skin
        or "\U000e0020" <= char <= "\U000e007f"  # the letters of a regional flag
    )


def _leads(char: str) -> bool:
    """Whether what stands behind it may belong to it: joiners, viramas, prepended signs."""
    if char == _ZWJ or unicodedata.combining(char) == _VIRAMA:
        return True
    return unicodedata.category(char) == "Cf" and unicodedata.bidirectional(char) in (
        "AN",
        "AL",
        "L",
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    start = at
    while start > 0 and _is_flag(text[start - 1]):
        start -= 1
    return at - start


def _one_syllable(before: str, after: str) -> bool:
    """Whether two letters of Hangul are parts of one block."""
    if "\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7ff":
        return _is_hangul(before)
    leading = "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97f"
    return leading and _is_hangul(after)


def _is_hangul(char: str) -> bool:
    return (
        "\u1100" <= char <= "\u11ff" or "\ua960" <= char <= "\ua97f" or "\uac00" <= char <= "\ud7ff"
    )
