"""Text that came from elsewhere, made safe for where it goes."""

from __future__ import annotations

import re
import unicodedata

from konseho_cli.report.symbols import Symbols

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movement
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|\Z)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_FINISHED = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x9c]*[\x07\x9c]|[ -/]*[0-OQ-WYZ\\`-~])"
)
_LONGEST_SEQUENCE = 64
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Without what could drive a terminal: escape sequences, control and direction characters.

    Newlines and tabs stay.
    """
    return _CONTROLS.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n")))


def unfinished_at(text: str) -> int:
    """Where an escape sequence begins whose rest is still to come; else the text's length."""
    start = text.rfind("\x1b")
    is_open = start >= 0 and len(text) - start <= _LONGEST_SEQUENCE
    return start if is_open and not _FINISHED.match(text, start) else len(text)


def one_line(text: str) -> str:
    """Harmless, with every run of white space as one space."""
    return " ".join(harmless(text).split())


def encodable(text: str) -> str:
    """With what UTF-8 cannot hold (halves of a pair) replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cells(text: str) -> int:
    """Columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)


def fit(text: str, width: int, symbols: Symbols) -> str:
    """At most `width` columns; what is cut off is marked."""
    if cells(text) <= width:
        return text
    mark = symbols.ellipsis
    room = width - cells(mark)
    if room <= 0:
        return mark[: max(0, width)]
    kept = ""
    for char in text:
        if cells(kept) + cells(char) > room:
            break
        kept += char
    return kept.rstrip() + mark


def plural(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ends_of(names: tuple[str, ...], most: int) -> tuple[str, ...]:
    """All; of more than so many the first and the last, and how many there are between."""
    if len(names) <= most:
        return names
    half = most // 2
    return (*names[:half], f"{len(names) - 2 * half} more", *names[-half:])


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """`a, b, c`; from there on `a, b, c and 97 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
