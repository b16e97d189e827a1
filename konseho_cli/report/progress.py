"""Plain lines for where nobody watches a terminal: one for each step's start and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.models.base import is_person
from konseho_cli.report.subtree import MOST_INSIDE
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import listed, one_line, plural
from konseho_cli.report.view import RunView, StepView
from konseho_cli.telemetry.events import (
    AskFinished,
    AskRetried,
    Event,
    StepFinished,
    StepStarted,
    Warned,
)


class Progress:
    """A listener that writes lines. It feeds the view itself, to tell figures."""

    def __init__(self, view: RunView, write: Callable[[str], object], symbols: Symbols) -> None:
        self._view = view
        self._put = write
        self._symbols = symbols

    def begin(self, remark: str) -> None:
        """Say who is going to answer, and what must be known about that."""
        view = self._view
        self._write(one_line(view.council), listed(view.models), remark)

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        for event in batch:
            self._view((event,))
            self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case StepStarted() if "." not in event.step:
                self._write(f"  {event.step}: {event.kind}", listed(event.agents))
            case StepFinished():
                self._finished(event)
            case AskRetried():
                again = f"again in {show_duration(event.wait_s)}: {one_line(event.reason)}"
                self._write(f"  {event.step}: {event.agent}", again)
            case AskFinished() if event.status == "failed" and is_person(event.model):
                self._write(f"  {event.step}: nobody answered", one_line(event.error))
            case AskFinished() if event.status == "failed":
                self._write(f"  {event.step}: {event.agent} failed", one_line(event.error))
            case Warned():
                self._write(f"  warning: {one_line(event.message)}")
            case _:
                pass

    def _finished(self, event: StepFinished) -> None:
        """Of a step inside of another this is all that is said, as long as there are few of them."""
        line = self._view.line(event.step)
        if len(line) > 1 and len(line[0].inner) > MOST_INSIDE and event.status in ("ok", "skipped"):
            return
        gap = "  " * len(line)
        self._write(f"{gap}{event.step}: {event.status}{self._figures(line[-1])}")
        for reason in event.reasons:
            self._write(f"{gap}  {one_line(reason)}")

    def _figures(self, step: StepView) -> str:
        if not step.tally.calls:
            return ""
        executed = step.tally.programs
        made = step.tally.calls - step.tally.people - executed
        parts = [
            *([plural(made, "call"), f"{show_count(step.tally.tokens)} tokens"] if made else []),
            *([plural(executed, "command")] if executed else []),
            *([f"{step.tally.cached:,} cached"] if step.tally.cached else []),
            *([show_money(step.tally.cost)] if step.tally.cost else []),
        ]
        took = show_duration((step.elapsed_ns(step.end or 0) or 0) / 1e9)
        return " in " + f" {self._symbols.dot} ".join([took, *parts])

    def _write(self, *parts: str) -> None:
        line = f" {self._symbols.dot} ".join(filter(None, parts))
        self._put(f"{line}\n")
