"""The answer as it comes, where it is the text of exactly one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from konseho_cli.context.templates import expression_in
from konseho_cli.core.errors import KonsehoError
from konseho_cli.engine.plan import Plan
from konseho_cli.report.text import harmless, unfinished_at
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.telemetry.events import AskRetried, Event, TextArrived

KINDS: frozenset[type[Event]] = frozenset({TextArrived, AskRetried})
"""What an AnswerStream listens to."""


def streamable_step(spec: CouncilSpec, plan: Plan) -> str | None:
    """The step whose text is the answer; None where there is no such single text."""
    last = plan.steps[-1].id
    name = last if spec.answer is None else expression_in(spec.answer)
    for planned in plan.steps:
        if planned.id == name and planned.step.kind in ("ask", "chair"):
            return None if planned.step.schema is not None else name
    return None


class AnswerStream:
    """A listener that writes one step's text as it arrives."""

    def __init__(
        self,
        step: str,
        write: Callable[[str], None],
        *,
        for_terminal: bool,
        before_first: Callable[[], None] = lambda: None,
    ) -> None:
        """`before_first` is called once, when the first text is there (to clear the screen)."""
        self._step = step
        self._put = write
        self._error: KonsehoError | None = None
        self._over = False
        self._for_terminal = for_terminal
        self._before_first = before_first
        self._held = ""
        self.text = ""
        """What the current attempt has streamed."""
        self.began = False

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        for event in batch:
            if isinstance(event, TextArrived) and event.step == self._step:
                self._take(event.text)
            elif isinstance(event, AskRetried) and event.step == self._step:
                self._start_over()

    def finish(self, answer: str) -> None:
        """End the line; where something else became the answer, write that.

        Raises the KonsehoError that writing met, also where it met it while the text streamed.
        """
        self._over = True
        if self._error is not None:
            raise self._error
        self._release()
        if not self.began:
            self._emit(answer)
        elif self.text.strip() != answer.strip():
            self._write("\n\n")
            self._emit(answer)
        if not (self.text if self.began else answer).endswith("\n"):
            self._write("\n")

    def _take(self, text: str) -> None:
        if not self.began:
            self.began = True
            self._before_first()
        self.text += text
        if not self._for_terminal:
            self._write(text)
            return
        held = self._held + text
        cut = unfinished_at(held)
        self._held = held[cut:]
        self._write(harmless(held[:cut]))

    def _start_over(self) -> None:
        self._held = ""
        if self.text:
            self._write("\n\n")
        self.text = ""

    def _release(self) -> None:
        self._emit(self._held)
        self._held = ""

    def _emit(self, text: str) -> None:
        self._write(harmless(text) if self._for_terminal else text)

    def _write(self, text: str) -> None:
        if self._error is not None:
            return
        try:
            self._put(text)
        except KonsehoError as error:
            self._error = error
            if self._over:
                raise
