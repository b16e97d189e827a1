"""Results in lines: as wide as the terminal, with signs that it can show, in style where it can."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress

from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.streams import is_terminal
from konseho_cli.report.frame import Line, as_text
from konseho_cli.report.symbols import Symbols, symbols_for

PIPE_WIDTH = 160
"""Columns where nobody looks, and COLUMNS says nothing."""


def symbols() -> Symbols:
    """What stdout can show."""
    return symbols_for(getattr(sys.stdout, "encoding", None))


def width() -> int:
    """Columns of stdout: what COLUMNS says, and of a terminal no more than it really has."""
    if not is_terminal(sys.stdout):
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    stated = shutil.get_terminal_size((80, 24)).columns
    with suppress(OSError, ValueError):  # not a file, as in tests
        return min(stated, os.get_terminal_size(sys.stdout.fileno()).columns or stated)
    return stated


def wrapped_at() -> int | None:
    """Columns at which words are wrapped; None: a pipe, whose lines are read by programs."""
    return width() if is_terminal(sys.stdout) else None


def print_lines(lines: Iterable[Line]) -> None:
    """To stdout; what is wider than a terminal is cut there."""
    if is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        from konseho_cli.report.live import as_rich, terminal  # a pipe needs no rich

        text = as_rich(tuple(lines))
        text.no_wrap, text.overflow = True, "ellipsis"
        terminal(sys.stdout).print(text)
    else:
        deliver_to_stdout(as_text(tuple(lines)))
