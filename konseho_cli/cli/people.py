"""Whom a command can ask: who is in the file of `--answers`, then whoever sits at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from konseho_cli.core.errors import NoAnswer

if TYPE_CHECKING:  # only a run with a person loads them
    from konseho_cli.cli.answers import Answers
    from konseho_cli.cli.terminal import TerminalDesk
    from konseho_cli.cli.watching import Screen
    from konseho_cli.models.base import JSON
    from konseho_cli.models.person import Question
    from konseho_cli.spec.loaded import Loaded


class People:
    """Makes the desk of a run that has people in it, and is that desk."""

    def __init__(self, file: Path | None, loaded: Loaded | None = None) -> None:
        """Raises UsageError, InvalidCouncil for a file that holds no answers to this council."""
        self._answers: Answers | None = None
        self._terminal: TerminalDesk | None = None
        if file is not None:
            from konseho_cli.cli.answers import read_answers

            self._answers = read_answers(file)
        if loaded is not None:
            self.check(loaded)

    def __call__(self) -> People:
        """There are people: look for the terminal."""
        from konseho_cli.cli.terminal import TerminalDesk, keyboard

        found = keyboard()
        self._terminal = None if found is None else TerminalDesk(found)
        return self

    def check(self, loaded: Loaded) -> None:
        """The file against the council. Raises UsageError."""
        if self._answers is not None:
            self._answers.check(dict(loaded.every_step()))

    def watch(self, screen: Screen) -> None:
        """What is drawn makes way for questions."""
        if self._terminal is not None:
            self._terminal.screen = screen

    @property
    def warnings(self) -> tuple[str, ...]:
        """About answers that nobody asked for."""
        return () if self._answers is None else self._answers.unused

    def attends(self, step: str, agent: str) -> bool:
        """Whether the file or the terminal can answer."""
        in_file = self._answers is not None and self._answers.attends(step, agent)
        return in_file or self._terminal is not None

    async def ask(self, question: Question) -> JSON:
        """The file's answer, else the terminal's. Raises NoAnswer."""
        answers, terminal = self._answers, self._terminal
        if answers is not None and (terminal is None or answers.has(question.step, question.agent)):
            return answers.take(question)
        if terminal is None:
            raise NoAnswer(f"there is no terminal to ask {question.who} at")
        return await terminal.ask(question)
