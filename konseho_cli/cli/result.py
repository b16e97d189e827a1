"""Where a run's result goes, and in which form."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from konseho_cli.cli.streams import is_terminal, put, put_line
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.answer import answer_text, for_terminal


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; checked before the run, since an answer is worth more than a usage error."""

    form: Literal["text", "json", "markdown"]
    file: Path | None = None
    stream: bool = False

    @classmethod
    def of(cls, *, json: bool, markdown: bool, file: Path | None, stream: bool) -> Destination:
        """From the options. Raises UsageError where they contradict each other."""
        if file is not None and (str(file) == "-" or is_stdout(file)):
            file = None
        if json and markdown:
            raise UsageError("--json and --markdown exclude each other")
        if stream and (json or markdown or file is not None):
            raise UsageError("--stream prints plain text as it comes: not JSON, Markdown or a file")
        if file is not None:
            check_place("--output", file)
        form: Literal["text", "json", "markdown"] = "text"
        return cls(
            form="json" if json else "markdown" if markdown else form, file=file, stream=stream
        )

    def render(self, outcome: RunOutcome, verdicts: Sequence[Verdict], status: int) -> str:
        """The result as text; empty where plain text has no answer to show."""
        if self.form == "json":
            from konseho_cli.report.json import outcome_json

            return outcome_json(outcome, verdicts, status)
        if self.form == "markdown":
            from konseho_cli.report.markdown import outcome_markdown

            return outcome_markdown(outcome, verdicts)
        return answer_text(outcome.answer)

    def deliver(self, text: str) -> None:
        """To the file or to stdout. Raises KonsehoError; the text is then on stdout."""
        if not text:
            return
        if self.file is None:
            deliver_to_stdout(text)
            return
        try:
            write_atomically(self.file, text if text.endswith("\n") else f"{text}\n")
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            deliver_to_stdout(text)
            raise KonsehoError(
                f"{self.file} could not be written: {getattr(error, 'strerror', None) or error}",
                hint="the result was printed instead",
            ) from error


def is_stdout(file: Path) -> bool:
    """Whether stdout leads there already, as /dev/stdout does: to replace the file would cut it off."""
    try:
        return os.path.samestat(file.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, RuntimeError, ValueError, AttributeError):  # no such file, or no stdout
        return False


def check_place(option: str, file: Path) -> None:
    """Refuse before the work what cannot be written after it. Raises UsageError."""
    try:
        folder = file.absolute().parent
        if not folder.is_dir():
            raise UsageError(f"{option} {file}: there is no folder {folder}")
        if file.is_dir():
            raise UsageError(f"{option} {file}: this is a folder")
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{option} {str(file)[:80]}: {why}") from None


def deliver_to_stdout(text: str) -> None:
    """As it is into files and pipes; without what could drive a terminal onto one."""
    put_line(sys.stdout, for_terminal(text) if is_terminal(sys.stdout) else text)


def write_to_stdout(text: str) -> None:
    """A piece of a stream."""
    put(sys.stdout, text)
