"""The live tree on a terminal: rich draws, the view and its frame decide what."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from konseho_cli.core.clock import Clock
from konseho_cli.report.frame import Line, Painter, Size
from konseho_cli.report.text import cells
from konseho_cli.report.view import RunView

INTERVAL_S = 0.125
"""Between frames: calm to look at, and next to nothing to draw."""
ERASE_LINE, LINE_UP = (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)
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
        self._over = False
        self._ended_only = False
        self._drawn: tuple[int, ...] = ()
        """Columns of each line of the last frame."""
        self._width = self._size().width
        self._paused = False
        self._live = self._new()

    def _new(self) -> Live:
        return Live(
            console=self._console,
            get_renderable=self._render,
            auto_refresh=False,  # a thread would read the view while the loop changes it
            redirect_stdout=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> LiveView:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.finish()

    def finish(self, *, ended_only: bool = False) -> None:
        """Draw the tree a last time and leave it on the screen.

        `ended_only`: the run goes on below it, so a step that still runs would seem to do so for ever.
        """
        if not self._over:
            self._over, self._ended_only = True, ended_only
            if not self._paused:
                self._stop()

    def pause(self) -> None:
        """Leave the tree as it is on the screen, and the lines below it to somebody else."""
        if not self._over and not self._paused:
            self._paused = True
            self._stop()

    def go_on(self) -> None:
        """Draw again, below what was written meanwhile."""
        if self._paused:
            self._paused = False
            if not self._over:
                self._drawn, self._width = (), self._size().width
                self._live = self._new()
                self._live.start(refresh=True)

    def _stop(self) -> None:
        self._follow_resize()
        self._live.stop()

    async def keep_drawing(self) -> None:
        """Draw until cancelled."""
        while not self._over:
            if not self._paused:
                self._follow_resize()
                self._live.refresh()
            await asyncio.sleep(INTERVAL_S)

    def _follow_resize(self) -> None:
        """A terminal that became narrower has wrapped the last frame: rise by what that added."""
        width = self._size().width
        if width < self._width:
            added = sum(-(-drawn // width) - 1 for drawn in self._drawn if drawn > width)
            self._console.control(Control(*[ERASE_LINE, LINE_UP] * added))
        self._width = width

    def _size(self) -> Size:
        """The real size, even where COLUMNS says more: a line that wraps breaks the picture."""
        width, height = self._console.size
        with contextlib.suppress(OSError):  # not a file, as in tests
            real = os.get_terminal_size(self._console.file.fileno())
            width = min(width, real.columns or width)  # 0: nobody said
            height = min(height, real.lines or height)
        return Size(width=width, height=height)

    def _render(self) -> Text:
        room = self._size()
        size = Size(width=room.width - 1, height=room.height)  # some wrap in the last column
        stays = self._over or self._paused
        draw = self._painter.tree if stays else self._painter.frame
        view = self._view.ended_only() if self._ended_only else self._view
        lines = draw(view, self._now(), size)
        self._drawn = tuple(sum(cells(piece.text) for piece in line) for line in lines)
        return as_rich(lines)
