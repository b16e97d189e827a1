"""Columns side by side: words to the left, figures to the right, the last one cut where it must be."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.report.frame import GAP, Line, Piece, Style
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line

Row = tuple[str, ...]
_LEAST_LAST = 12
"""Columns of the last column, below which it is left out."""


def table(
    rows: Sequence[Row], symbols: Symbols, width: int, *, words: frozenset[int] = frozenset({0})
) -> tuple[Line, ...]:
    """The first row is the heading. `words`: the columns that are no figures. Empty columns go."""
    rows = [tuple(map(_one_line, row)) for row in rows]
    count = max((len(row) for row in rows), default=0)
    shown = [place for place in range(count) if any(row[place] for row in rows[1:])]
    widths = {place: max(cells(row[place]) for row in rows) for place in shown}
    shown = _fitted(shown, widths, width)
    lines: list[Line] = []
    for number, row in enumerate(rows):
        texts = [
            _padded(fit(row[place], widths[place], symbols), widths[place], place in words)
            for place in shown
        ]
        style: Style = "plain" if number else "strong"
        lines.append((Piece(f"{GAP.join(texts)}".rstrip(), style),))
    return tuple(lines)


def _one_line(text: str) -> str:
    """What is deeper than the gap that every row begins with stays so."""
    deeper = max(0, len(text) - len(text.lstrip(" ")) - len(GAP))
    return f"{' ' * deeper}{one_line(text)}"


def _fitted(shown: list[int], widths: dict[int, int], width: int) -> list[int]:
    """Cut the last column, or leave columns out from the end, until a line fits."""
    while len(shown) > 2:
        over = sum(widths[place] for place in shown) + len(GAP) * (len(shown) - 1) - width
        if over <= 0:
            return shown
        last = shown[-1]
        if widths[last] - over >= _LEAST_LAST:
            widths[last] -= over
            return shown
        shown = shown[:-1]
    return shown


def _padded(text: str, width: int, is_word: bool) -> str:
    room = " " * (width - cells(text))
    return text + room if is_word else room + text
