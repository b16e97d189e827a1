"""Swim lanes in text: a row an agent, what it did when, the critical path marked below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.intervals import Interval
from konseho_cli.profiling.lanes import Lane, Lanes
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line

MOST_LANES = 20
_MOST_NAME = 20
"""Columns of an agent's name."""
_LEAST_CELLS = 20


def lane_lines(lanes: Lanes, symbols: Symbols, width: int) -> tuple[Line, ...]:
    """Steps above, lanes, time below, a legend; nothing where nobody did anything."""
    return tuple(_Drawing(lanes, symbols, width).lines()) if lanes.lanes else ()


class _Drawing:
    """Lanes at one width."""

    def __init__(self, lanes: Lanes, symbols: Symbols, width: int) -> None:
        self._lanes = lanes
        self._symbols = symbols
        names = [cells(one_line(lane.agent)) for lane in lanes.lanes]
        self._name = min(_MOST_NAME, max(names))
        self._cells = max(_LEAST_CELLS, width - self._name - 2 * len(GAP))

    def lines(self) -> Iterator[Line]:
        """From top to bottom."""
        yield self._row("", self._steps(), "dim")
        for lane in self._lanes.lanes:
            yield self._lane(lane)
            marks = self._marks(lane)
            if marks.strip():
                yield self._row("", marks, "accent")
        if self._lanes.more:
            yield (Piece(f"{GAP}{self._symbols.ellipsis} {self._lanes.more:,} more", "dim"),)
        yield self._row("", self._axis(), "dim")
        yield (Piece(f"{GAP}{self._legend()}", "dim"),)

    def _row(self, name: str, text: str, style: str) -> Line:
        shown = fit(one_line(name), self._name, self._symbols)
        lead = f"{GAP}{shown}{' ' * (self._name - cells(shown))}{GAP}"
        return (Piece(lead), Piece(text.rstrip(), style))  # type: ignore[arg-type]

    def _lane(self, lane: Lane) -> Line:
        """The state that took most of each cell's time; a short one is not lost among nothing."""
        signs = {
            "stream": self._symbols.full,
            "ttft": self._symbols.half,
            "waiting": self._symbols.light,
        }
        shares = [(signs[state], self._shares(found)) for state, found in lane.states.items()]
        text = ""
        for place in range(self._cells):
            share, sign = max((found[place], sign) for sign, found in shares)
            text += sign if share else " "
        return self._row(lane.agent, text, "plain")

    def _marks(self, lane: Lane) -> str:
        shares = self._shares(lane.on_path)
        half = self._lanes.makespan / self._cells / 2
        short = not any(share >= half for share in shares)
        least = max(shares) if short else half
        return "".join(self._symbols.mark if share and share >= least else " " for share in shares)

    def _shares(self, intervals: Sequence[Interval]) -> list[float]:
        """Of each cell, how much of its time they cover."""
        found = [0.0] * self._cells
        each = self._lanes.makespan / self._cells
        for start, end in intervals:
            first = min(self._cells - 1, int(start / each))
            last = min(self._cells - 1, int(end / each))
            for place in range(first, last + 1):
                begins = place * each
                found[place] += max(0.0, min(end, begins + each) - max(start, begins))
        return found

    def _steps(self) -> str:
        """The name of each step where it begins, if there is room."""
        text = ""
        for step, start in sorted(self._lanes.steps, key=lambda step: step[1]):
            place = int(start * self._cells / self._lanes.makespan)
            if place >= len(text) and place + len(step) <= self._cells:
                text = text.ljust(place) + step + " "
        return text

    def _axis(self) -> str:
        end = show_duration(self._lanes.makespan / 1e9)
        middle = show_duration(self._lanes.makespan / 2e9)
        text = "0".ljust(self._cells // 2 - len(middle) // 2) + middle
        return self._symbols.spelt(text.ljust(self._cells - len(end)) + end)

    def _legend(self) -> str:
        signs = self._symbols
        return GAP.join(
            (f"{signs.light} waits", f"{signs.half} until the first token", f"{signs.full} answers",
             f"{signs.mark} critical path")
        )  # fmt: skip
