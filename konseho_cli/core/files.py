"""Files that are written whole or not at all, and the ones that ship with the package."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from konseho_cli.core.errors import UsageError
from konseho_cli.core.source import shown_path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(folder: str) -> Path:
    """The folder `councils` or `profiles`: inside the wheel, beside the package in a checkout."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, so that a reader sees the old file or the new one, never a half."""
    with atomically(path) as file:
        file.buffer.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomically(path: Path, *, private: bool = False) -> Iterator[TextIO]:
    """A file to write UTF-8 text to; it takes its place at the end, unless something was raised.

    `private`: a new one is for its owner's eyes only.
    """
    # Asked of the path as it is: a pipe behind /dev/fd resolves to a name that nothing has.
    if path.exists() and not path.is_file():  # a pipe or a device: there is nothing to replace
        with path.open("w", encoding="utf-8", newline="") as special:
            yield special
        return
    path = path.resolve()  # a link is written through, not replaced
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # of the file that was asked for, not of one that nobody knows
        error.filename = str(path)
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new = 0o600 if private else 0o666 & ~_umask()
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else new)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def open_private(path: Path, *, begins: bytes, kind: str) -> int:
    """A descriptor for lines of ours, in a file that only its owner may read; raises UsageError.

    It is emptied, if it begins as ours do: a name mistyped must not cost another file.
    """
    try:
        _refuse_to_replace(path, begins, kind)
        # Not to wait for ever for the reader of a pipe that has none.
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
        file = os.open(path, how, 0o600)
        os.set_blocking(file, True)
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.chmod(path, 0o600)  # it may have been there before
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "nobody reads that pipe yet" if getattr(error, "errno", 0) == errno.ENXIO else None
        raise UsageError(f"{shown_path(path)} cannot be written: {why}", hint=hint) from None
    return file


def _refuse_to_replace(path: Path, begins: bytes, kind: str) -> None:
    if not path.is_file():
        return
    with path.open("rb") as file:
        found = file.read(len(begins))
    if found and found != begins:
        what = f"{shown_path(path)} is there already, and is no {kind}"
        raise UsageError(what, hint="write to another file, or remove this one first")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
