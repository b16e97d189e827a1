"""The process's own streams: results to stdout, everything else to stderr."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from konseho_cli.core.errors import KonsehoError

_lost: set[int] = set()
"""Descriptors of streams whose rest is discarded."""


def prepare_streams() -> None:
    """Let no character that an encoding lacks break the output, and no part of it go unwritten."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            if isinstance(stream.buffer, io.RawIOBase):
                stream = _buffered(stream)
                setattr(sys, name, stream)
            stream.reconfigure(errors="replace")


def _buffered(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Under PYTHONUNBUFFERED a write that a full disk cuts short is taken for a whole one."""
    raw = io.FileIO(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, line_buffering=stream.line_buffering
    )


def put(stream: TextIO | None, text: str) -> None:
    """Write and flush. A reader that has gone is no error; a full disk is. Raises KonsehoError."""
    if stream is not None:
        with _whole(stream):
            stream.write(text)
            stream.flush()


def put_bytes(stream: TextIO | None, content: bytes) -> None:
    """The same for what is no text."""
    if stream is not None:
        with _whole(stream):
            stream.buffer.write(content)
            stream.buffer.flush()


@contextlib.contextmanager
def _whole(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard_rest(stream)
    except OSError as error:
        _discard_rest(stream)
        raise KonsehoError(f"the output could not be written: {error.strerror}") from error


def give_up_rest() -> None:
    """What could not be written is not tried again by Python at its exit, whose status that would be."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _discard_rest(stream)


def put_line(stream: TextIO | None, text: str) -> None:
    """The same, ended by exactly one newline."""
    put(stream, text if text.endswith("\n") else f"{text}\n")


def tell(error: KonsehoError) -> None:
    """An error and its way out, on stderr."""
    from konseho_cli.report.text import harmless

    hint = f"\n  {error.hint}" if error.hint else ""
    mutter(harmless(f"konseho: {error}{hint}\n"))


def mutter(text: str) -> None:
    """Write to stderr, if there is one: what is said beside an answer must not lose the answer."""
    with contextlib.suppress(KonsehoError):  # nobody is left to be told
        put(sys.stderr, text)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it."""
    return stream is not None and stream.isatty()


def has_reader(stream: TextIO | None) -> bool:
    """Whether what is written may still arrive: not where a pipe's reader has gone, a disk was full."""
    import select  # only a chat asks

    try:
        file = -1 if stream is None else stream.fileno()
    except (OSError, ValueError):
        file = -1
    if file < 0:  # closed on purpose, or no file at all
        return True
    if file in _lost or not hasattr(select, "poll"):
        return file not in _lost
    poll = select.poll()
    poll.register(file, 0)
    return not any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def _discard_rest(stream: TextIO) -> None:
    """So that neither a later write nor the flush at exit fails again."""
    with contextlib.suppress(OSError, ValueError):
        _lost.add(stream.fileno())
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
