"""The one tree of errors: each class carries its exit status, each error its way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self


class KonsehoError(Exception):
    """Base of everything that Konseho raises on purpose.

    `exit_code` is the process status the CLI ends with; `hint` says what to do about it.
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(KonsehoError):
    """The command line or the call was wrong: an unknown input, a missing task."""

    exit_code = 2


class ReplayMiss(UsageError):
    """A replay came to a call that was not recorded, or was recorded otherwise."""


class Problem(NamedTuple):
    """One mistake in a council or agent file, with its place."""

    path: str
    """Where in the document: `steps[2].voters`; empty for the document itself."""
    message: str
    file: str = ""
    line: int | None = None
    """1-based; None where the document did not come from a file."""
    column: int | None = None
    value: str | None = None
    """The offending value, shortened."""
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        where = ": ".join(part for part in (place, self.path) if part)
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}: {self.message}{hint}" if where else f"{self.message}{hint}"


class InvalidCouncil(UsageError):
    """The document breaks its rules; `problems` holds every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ModelError(KonsehoError):
    """A model call failed; `status` is the HTTP status where there was one."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after_s = retry_after_s
        """Seconds the server asked us to wait; None when it did not say."""
        self.partial = partial
        """Text that had already streamed when the call broke."""

    def retold(self, message: str) -> Self:
        """The same failure with more to say, or for another caller; this one is its cause."""
        told = type(self)(
            message,
            hint=self.hint,
            status=self.status,
            retry_after_s=self.retry_after_s,
            partial=self.partial,
        )
        told.__cause__ = self
        return told


class ModelRefused(ModelError):
    """The request itself was wrong (400, 401, 403, 404, 422): asking again cannot help."""


class NoAnswer(ModelRefused):
    """A person was asked and did not answer, or nobody was there to be asked."""


class ModelUnavailable(ModelError):
    """The server was busy, broken or unreachable: asking again, or elsewhere, may help."""


class NotAsked(ModelUnavailable):
    """The request was not made: it would not have come to its turn in time."""


class CircuitOpen(NotAsked):
    """The model failed so often in a row that it is not asked for a while."""


class InvalidReply(ModelError):
    """The model answered, but not in the shape it was asked for, even after one repair."""


class StepFailed(KonsehoError):
    """A step could not give its result; `step` names it.

    `details` is the record of what had happened by then, such as the ballots of a vote without a
    winner: plain values, as in a step's own details.
    """

    def __init__(
        self,
        step: str,
        message: str,
        *,
        hint: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"step '{step}' failed: {message}", hint=hint)
        self.step = step
        self.details = details or {}


class TemplateFailed(KonsehoError):
    """A template could not be rendered with the values of this run."""


class StepTimeout(KonsehoError):
    """A step's or a call's own `timeout` ran out."""


class LimitReached(KonsehoError):
    """What may be used up (cost, tokens, calls, time) is."""

    exit_code = 5


class BudgetReached(LimitReached):
    """A limit of the council was reached, and the run ends."""


class OwnLimitReached(LimitReached):
    """A limit of one step or one agent was reached: `on_error` decides what becomes of it."""


class StoreFailed(KonsehoError):
    """What is kept on disk cannot be read or written."""


class NotMeasured(KonsehoError):
    """What was to be measured could not be, or came out too unsteady to decide anything."""

    exit_code = 4


class MissingExtra(UsageError):
    """An optional dependency is not installed; the message holds the install line."""
