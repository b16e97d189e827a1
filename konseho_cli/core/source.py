"""Text files that people wrote: read whole, within a bound, or refused with the reason."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from konseho_cli.core.errors import InvalidCouncil, Problem, UsageError
from konseho_cli.core.units import show_size

MAX_SOURCE = 2**20
"""Bytes of a council file or of an agent's."""


def read_source(path: Path, *, limit: int = MAX_SOURCE) -> str:
    """The text of a UTF-8 file, without its byte order mark. Raises InvalidCouncil."""
    data = _read(path, limit)
    if len(data) > limit:
        raise refusal(path, f"the file is larger than {show_size(limit)}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refusal(path, "the file is UTF-16", hint="save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        raise refusal(path, f"byte {nul} is NUL, so this is not a text file", line=_line(data, nul))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        what = f"byte {at} (0x{data[at]:02x}) is not UTF-8"
        raise refusal(path, what, line=_line(data, at), hint="save it as UTF-8") from None


def read_stdin(limit: int) -> str:
    """The text on stdin. Raises UsageError."""
    try:
        buffer = getattr(sys.stdin, "buffer", None)
        data = b"" if buffer is None else buffer.read(limit + 1)
        closed = sys.stdin is None
    except (OSError, ValueError):
        closed = True
    if closed:
        raise UsageError("stdin was to be read, but it is closed")
    if len(data) > limit:
        raise UsageError(f"stdin holds more than {show_size(limit)}")
    try:
        return str(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError("what stdin holds is not text in UTF-8") from None


def shown_path(path: Path) -> str:
    """The path as messages show it: relative to the current folder when inside it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def refusal(
    path: Path, message: str, *, line: int | None = None, hint: str | None = None
) -> InvalidCouncil:
    """The error that says what is wrong with a file as a whole."""
    problem = Problem(path="", message=message, file=shown_path(path), line=line, hint=hint)
    return InvalidCouncil([problem])


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        hint = None if os.path.lexists(path.parent) else f"there is no folder {path.parent}"
        raise refusal(path, "the file does not exist", hint=hint) from None
    except IsADirectoryError:
        raise refusal(path, "this is a folder, not a file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise refusal(path, f"the file cannot be read: {why}") from None


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
