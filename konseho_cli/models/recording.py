"""A recording under way: what all models of a run write their attempts and answers to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from konseho_cli.core.errors import KonsehoError
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

    def begin(self, header: Header, started: int, stop: Callable[[KonsehoError], None]) -> None:
        """Open the file; `stop` ends the run. Raises UsageError."""
        self._writer = CassetteWriter(self._path, header, self.redactor.hide)
        self.started, self._stop = started, stop

    def attempt(self, identity: Identity, attempt: Attempt) -> None:
        """Write an attempt that has ended."""
        self._attempted.add(identity.logical)
        self._write(attempt)

    def answer(
        self, identity: Identity, request: Request, kept: Kept, start: int, end: int
    ) -> None:
        """Write what a logical call came to, unless its attempts say all of it."""
        attempted = identity in self._attempted
        if attempted and kept.error is not None:
            return
        hidden = hidden_request(request, self.redactor.hide)
        self._write(
            Answered(
                identity=identity.parts(),  # type: ignore[arg-type]
                hash=request_hash(hidden),
                source=kept.source,
                start=max(0, start - self.started),
                duration=end - start,
                reply=kept.reply,
                failure=None if kept.error is None else Failure.of(kept.error),
                saved=kept.saved,
                request=None if attempted else hidden,
            )
        )

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
