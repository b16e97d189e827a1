"""The live tree on a terminal: rich draws, the view and its frame decide what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from konseho_cli.core.clock import Clock
from konseho_cli.report.frame import Line, Painter, Size
from konseho_cli.report.view import RunView

INTERVAL_S = 0.125
"""Between frames: calm to look at, and next to nothing to draw."""
STYLES = {"plain": "", "strong": "bold", "dim": "dim", "accent": "yellow"}


def terminal(stream: TextIO) -> Console:
    """A console on a terminal; rich itself honours NO_COLOR."""
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def as_rich(lines: Sequence[Line]) -> Text:
    """Lines with their styles, for rich to draw."""
    text = Text(no_wrap=True, overflow="crop")
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        for piece in line:
            text.append(piece.text, STYLES[piece.style])
    return text


class LiveView:
    """Keeps a run's view drawn while it changes: `with LiveView(...) as live: ...`.

    On leaving, the tree stays on the screen; the bar goes.
    """

    def __init__(self, view: RunView, painter: Painter, console: Console, clock: Clock) -> None:
        self._view = view
        self._painter = painter
        self._console = console
        self._now = clock.now
        self._live = Live(
            console=console,
            get_renderable=self._render,
            auto_refresh=False,  # a thread would read the view while the loop changes it
            redirect_stdout=False,
            vertical_overflow="crop",
        )
        self._over = False

    def __enter__(self) -> LiveView:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Draw the tree a last time and leave it on the screen."""
        if not self._over:
            self._over = True
            self._live.stop()

    async def keep_drawing(self) -> None:
        """Draw until cancelled."""
        while not self._over:
            self._live.refresh()
            await asyncio.sleep(INTERVAL_S)

    def _render(self) -> Text:
        width, height = self._console.size
        size = Size(width=width - 1, height=height)  # the last column wraps on some terminals
        if self._over:
            return as_rich(self._painter.tree(self._view, self._now(), size))
        return as_rich(self._painter.frame(self._view, self._now(), size))
