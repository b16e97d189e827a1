"""Text in lines of a width, by the columns that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from konseho_cli.report.text import cells

LEAST = 20
"""Columns below which lines are not made narrower."""


def wrap(text: str, width: int) -> tuple[str, ...]:
    """Lines of at most `width` columns, broken between words; a longer word is broken in itself."""
    return tuple(_lines(text.split(), max(width, LEAST)))


def beside(lead: str, text: str, width: int | None) -> tuple[str, ...]:
    """Text beside its name, in lines that begin below each other. `width`: columns; None: one line."""
    lines = (text,) if width is None else wrap(text, width - cells(lead)) or ("",)
    margin = " " * cells(lead)
    return (f"{lead}{lines[0]}".rstrip(), *(f"{margin}{line}" for line in lines[1:]))


def _lines(words: list[str], width: int) -> Iterator[str]:
    line, taken = "", 0
    for word in words:
        size = cells(word)
        if line and taken + 1 + size <= width:
            line, taken = f"{line} {word}", taken + 1 + size
            continue
        if line:
            yield line
        *full, line = _pieces(word, width) if size > width else (word,)
        yield from full
        taken = cells(line)
    if line:
        yield line


def _pieces(word: str, width: int) -> Iterator[str]:
    piece = ""
    for char in word:
        if cells(piece) + cells(char) > width:
            yield piece
            piece = ""
        piece += char
    yield piece
