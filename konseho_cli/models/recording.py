"""A recording under way: what all models of a run write their attempts and answers to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from konseho_cli.core.errors import KonsehoError, LimitReached
from konseho_cli.models.base import Identity, Request
from konseho_cli.models.cassette import (
    Answered,
    Attempt,
    Failure,
    Header,
    Record,
    hidden_request,
    request_hash,
)
from konseho_cli.models.cassette_file import CassetteWriter
from konseho_cli.models.journal import Kept
from konseho_cli.models.redact import Redactor

REMEMBERED = 256
"""Requests whose hash is kept: an attempt and its logical call have the same one."""


class Recording:
    """A cassette that is being written. A file that takes no more ends the run, once."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.redactor = redactor
        self.started = 0
        """When the run began, in nanoseconds on its clock."""
        self._path = path
        self._writer: CassetteWriter | None = None
        self._stop: Callable[[KonsehoError], None] | None = None
        self._attempted: set[Identity] = set()
        self._hashed: dict[int, tuple[Request, Request, str]] = {}
        """By where a request lies in memory; it is held here, so nothing else lies there."""

    def begin(self, header: Header, started: int, stop: Callable[[KonsehoError], None]) -> None:
        """Open the file; `stop` ends the run. Raises UsageError."""
        self._writer = CassetteWriter(self._path, header, self.redactor)
        self.started, self._stop = started, stop

    def hashed(self, request: Request) -> tuple[Request, str]:
        """The request without secrets, and its hash; that of the latest ones is remembered."""
        known = self._hashed.get(id(request))
        if known is None or known[0] is not request:
            hidden = hidden_request(request, self.redactor)
            known = self._hashed[id(request)] = (request, hidden, request_hash(hidden))
            if len(self._hashed) > REMEMBERED:
                del self._hashed[next(iter(self._hashed))]
        return known[1:]

    def attempt(self, identity: Identity, attempt: Attempt) -> None:
        """Write an attempt that has ended."""
        self._attempted.add(identity.logical)
        self._write(attempt)

    def answer(
        self,
        identity: Identity,
        request: Request,
        kept: Kept,
        start: int,
        end: int,
        *,
        copied: bool = False,
    ) -> None:
        """Write what a logical call came to, unless its attempts say all of it.

        `copied`: it is what a replay was given as an answer.
        """
        if kept.error is None:
            told: dict[str, Any] = {"reply": kept.reply, "saved": kept.saved}
        elif identity in self._attempted:
            return
        elif isinstance(kept.error, LimitReached) and not copied:
            return  # a replay of attempts comes to the same limit by itself, one of answers does not
        else:
            told = {"failure": Failure.of(kept.error)}
        self._answer(identity, request, start, end, source=kept.source, **told)

    def dropped(self, identity: Identity, request: Request, start: int, end: int) -> None:
        """Write that a logical call was cancelled."""
        self._answer(identity, request, start, end, source="model", cancelled=True)

    def _answer(
        self, identity: Identity, request: Request, start: int, end: int, **told: Any
    ) -> None:
        hidden, digest = self.hashed(request)
        answered = Answered(
            identity=identity.parts(),  # type: ignore[arg-type]
            hash=digest,
            start=max(0, start - self.started),
            duration=end - start,
            request=None if identity in self._attempted else hidden,
            **told,
        )
        self._write(answered)

    def close(self) -> None:
        """The run is over."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _write(self, record: Record) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(record)
        except KonsehoError as error:
            self.close()
            if self._stop is not None:
                self._stop(error)
