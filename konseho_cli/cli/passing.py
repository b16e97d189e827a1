"""One line on a terminal that says what is under way, and leaves nothing behind."""

from __future__ import annotations

import sys

from konseho_cli.cli.streams import is_terminal, mutter

_CLEAR = "\r\x1b[K"
_LONGEST = 76
"""Columns: a line that wraps could not be taken away."""


class PassingLine:
    """Written over again and again on stderr; nothing in a pipe, and nothing where it is quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self.shows = not quiet and is_terminal(sys.stderr)
        """Whether anybody can see it."""
        self._says = not quiet
        self._last = ""

    def show(self, text: str) -> None:
        """Say this in the place of what stood there."""
        if self.shows and text != self._last:
            self._last = text
            mutter(f"{_CLEAR}{text[:_LONGEST]}")

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        if self._says:
            mutter(f"{text}\n")

    def clear(self) -> None:
        """Take the line away."""
        if self._last:
            self._last = ""
            mutter(_CLEAR)
