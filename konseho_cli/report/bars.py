"""Bars of text: a share of a row, and a curve of many values."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.report.symbols import ASCII, Symbols

WIDTH = 25
"""Columns of a bar."""
_EIGHTHS = "▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-=*#"


def bar(share: float, symbols: Symbols, width: int = WIDTH) -> str:
    """`███▍░░░░`: a share from 0 to 1; what is more than nothing shows."""
    share = min(max(share, 0.0), 1.0)
    if symbols is ASCII:
        full = round(share * width)
        return "#" * full + "." * (width - full)
    eighths = max(round(share * width * 8), int(share > 0))
    full, rest = divmod(eighths, 8)
    part = _EIGHTHS[rest - 1] if rest else ""
    return ("█" * full + part).ljust(width, "░")


def curve(values: Sequence[float], symbols: Symbols, width: int) -> str:
    """`▁▂▅█▇`: values from left to right, each column the largest of those that fall into it."""
    if not values:
        return ""
    signs = _ASCII_LEVELS if symbols is ASCII else _LEVELS
    columns = min(width, len(values))
    edges = [len(values) * at // columns for at in range(columns + 1)]
    tops = [max(values[edges[at] : edges[at + 1]]) for at in range(columns)]
    low, high = min(values), max(values)
    span = high - low or 1
    return "".join(signs[round((top - low) / span * (len(signs) - 1))] for top in tops)
