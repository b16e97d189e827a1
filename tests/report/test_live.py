from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from konseho_cli.core.virtual import run_virtual
from konseho_cli.report.frame import Painter, Piece
from konseho_cli.report.live import INTERVAL_S, LiveView, as_rich
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.view import RunView


class Screen:
    """A rich terminal that is a string."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.console = Console(
            file=self.stream, force_terminal=True, width=80, height=24, legacy_windows=False
        )

    def take(self) -> str:
        """What was written since the last look."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    return Screen()


def test_styles_are_what_they_say():
    text = as_rich(((Piece("a", "strong"), Piece("b", "accent")), (Piece("c"),)))
    assert text.plain == "ab\nc"
    assert [(span.start, span.end, span.style) for span in text.spans] == [
        (0, 1, "bold"), (1, 2, "yellow"),
    ]  # fmt: skip


def test_a_view_is_drawn_as_long_as_it_changes_and_its_tree_stays(screen, events):
    async def main(loop):
        view = RunView()
        with LiveView(view, Painter(UNICODE), screen.console, loop) as live:
            drawing = loop.create_task(live.keep_drawing())
            view(events[: len(events) // 2])
            await _frames(2)
            assert "0 of 3 steps" in screen.take()
            view(events)
            await _frames(2)
            assert "3 of 3 steps" in screen.take()
            live.finish()
            drawing.cancel()
        return screen.take()

    left = run_virtual(main)
    assert "verdict" in left
    assert "of 3 steps" not in left


def test_a_step_that_streams_below_the_tree_is_not_left_running_for_ever(screen, events):
    last = [event for event in events if getattr(event, "step", "") == "verdict"]

    async def main(loop):
        view = RunView()
        with LiveView(view, Painter(UNICODE), screen.console, loop) as live:
            view(events[: events.index(last[0]) + 1])
            screen.take()
            live.finish(ended_only=True)
        return screen.take()

    left = run_virtual(main)
    assert "review" in left
    assert "verdict" not in left


def test_a_terminal_that_became_narrower_has_its_wrapped_lines_erased(screen, events):
    async def main(loop):
        view = RunView()
        with LiveView(view, Painter(UNICODE), screen.console, loop) as live:
            drawing = loop.create_task(live.keep_drawing())
            view(events)
            await _frames(2)
            longest = max(len(line) for line in screen.take().splitlines())
            screen.console.width = 30
            assert longest > 30
            await _frames(1)
            drawing.cancel()
        return screen.take()

    text = run_virtual(main)
    assert text.startswith("\x1b[2K\x1b[1A")


async def _frames(count: int) -> None:
    await asyncio.sleep(count * INTERVAL_S + INTERVAL_S / 2)
