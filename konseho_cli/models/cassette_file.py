"""Cassettes on disk: written line by line, read strictly and within bounds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import open_private
from konseho_cli.core.source import shown_path
from konseho_cli.core.units import show_size
from konseho_cli.models.cassette import (
    FORMAT,
    Answered,
    Attempt,
    Header,
    Record,
    decode_header,
    decode_record,
    encode,
)
from konseho_cli.models.redact import Redactor

MAX_LINE = 64 << 20
MAX_FILE = 1 << 30
_BEGINS = b'{"konseho_cassette":'
_NOT_ONE = "is this a cassette? `konseho run --record FILE` writes one"

T = TypeVar("T")


class Cassette(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recording."""

    file: str
    """As messages show it."""
    header: Header
    attempts: tuple[Attempt, ...]
    """In the order in which they began."""
    answers: tuple[Answered, ...]
    warnings: tuple[str, ...] = ()
    before_s: float = 0.0
    """Seconds before the last session of a run that was resumed: its time began anew then."""


class _Name(msgspec.Struct):
    konseho_cassette: int


def read_cassette(path: Path) -> Cassette:
    """Read it all. Raises UsageError with file and line."""
    shown = shown_path(path)
    try:
        with path.open("rb") as file:
            return _read(file, shown)
    except FileNotFoundError:
        raise UsageError(
            f"there is no cassette {shown}",
            hint="record one with `konseho run … --record FILE`",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{shown} cannot be read: {why}") from None


def _read(file: BinaryIO, shown: str) -> Cassette:
    first = file.readline(MAX_LINE + 1)
    if not first.strip():
        raise UsageError(f"{shown}: the file is empty", hint=_NOT_ONE)
    header = _header(first, shown)
    records: list[Record] = []
    warnings: list[str] = []
    number, size = 1, len(first)
    while line := file.readline(MAX_LINE + 1):
        number += 1
        size += len(line)
        if len(line) > MAX_LINE or size > MAX_FILE:
            most = show_size(MAX_LINE if len(line) > MAX_LINE else MAX_FILE)
            raise UsageError(f"{shown}:{number}: more than {most}")
        try:
            records.append(_decoded(decode_record, line, f"{shown}:{number}"))
        except UsageError:
            if line.endswith(b"\n"):
                raise
            warnings.append(
                f"{shown}:{number}: the last line is cut off, as when a run is killed: "
                "it is left out"
            )
    attempts = [each for each in records if isinstance(each, Attempt)]
    return Cassette(
        file=shown,
        header=header,
        attempts=tuple(sorted(attempts, key=lambda attempt: attempt.start)),
        answers=tuple(each for each in records if isinstance(each, Answered)),
        warnings=tuple(warnings),
    )


def _header(line: bytes, shown: str) -> Header:
    try:
        stated = msgspec.json.decode(line, type=_Name).konseho_cassette
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError(f"{shown}:1: this is no cassette", hint=_NOT_ONE) from None
    if stated > FORMAT:
        raise UsageError(
            f"{shown}:1: a cassette of version {stated}, and this Konseho reads {FORMAT}",
            hint="a newer Konseho wrote it: replay it with that one",
        )
    if stated != FORMAT:
        raise UsageError(f"{shown}:1: there is no cassette of version {stated}", hint=_NOT_ONE)
    return _decoded(decode_header, line, f"{shown}:1")


def _decoded(decode: Callable[[bytes], T], line: bytes, place: str) -> T:
    try:
        return decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{place}: the line cannot be read: {what}", hint=_NOT_ONE) from None


class CassetteWriter:
    """Appends records to a file that only its owner may read; every line is there at once."""

    __slots__ = ("_file", "_path", "_redactor")

    def __init__(self, path: Path, header: Header, redactor: Redactor) -> None:
        """Overwrites what is there. Raises UsageError."""
        self._path = path
        self._redactor = redactor
        self._file = open_private(path, begins=_BEGINS, kind="cassette")
        try:
            self.write(header)
        except BaseException:
            self.close()
            raise

    def write(self, record: Header | Record) -> None:
        """Write one line, whole. Raises KonsehoError where the disk does not take it."""
        rest = memoryview(encode(record, self._redactor))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            what = f"{shown_path(self._path)} could not be written: {error.strerror}"
            raise KonsehoError(what) from error

    def close(self) -> None:
        """No more lines."""
        os.close(self._file)
