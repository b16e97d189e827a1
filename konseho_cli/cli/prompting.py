"""Lines that a person types: edited and remembered by readline, over several lines where asked."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TypeAlias

from konseho_cli.cli.streams import is_terminal, mutter
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.signals import heeded

PROMPT, MORE = "> ", "| "
FENCE = '"""'
REMEMBERED = 1000
"""Lines in the file."""
MAX_LINE = 8 * 2**20
"""Bytes of a turn that comes through a pipe."""

_LOOK_UP_S = 0.5
"""A signal that comes just before readline waits is heeded no later than this: readline looks for
one when its wait is broken off, and not before it begins."""

Handler: TypeAlias = Callable[[int, FrameType | None], None]


class Stopped(Exception):
    """A signal came that ends the chat."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def typed(file: Path | None) -> Iterator[str]:
    """What a person says, until Ctrl-D; Ctrl-C gives up what is half typed. `file`: earlier lines.

    Raises Stopped, with the terminal as it was.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # whatever the locale says of odd bytes
    edited = is_terminal(sys.stdout)
    ask = input if edited else _asked_plainly
    remember = _remembering(file) if edited else _nothing
    while True:
        try:
            with _stoppable():
                text = _as_utf8(gathered(ask))
        except KeyboardInterrupt:
            mutter("\n")
            continue
        except EOFError:
            mutter("\n")
            return
        remember()
        if text.strip():
            yield text.strip()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """What ends the process is raised: readline puts the terminal back only where it returns."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    handlers: dict[signal.Signals, Handler] = dict.fromkeys(heeded(), stop)
    handlers.pop(signal.SIGINT, None)  # which is raised as it is
    timed = hasattr(signal, "setitimer")  # Windows has none
    if timed:
        handlers[signal.SIGALRM] = lambda number, frame: None
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    if timed:
        signal.setitimer(signal.ITIMER_REAL, _LOOK_UP_S, _LOOK_UP_S)
    try:
        yield
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for each, earlier in before.items():
            signal.signal(each, earlier)


def _as_utf8(text: str) -> str:
    """Without half characters, which no model can be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode(sys.stdin.encoding, "surrogateescape")
        return raw.decode("utf-8", "replace")
    return text


def gathered(ask: Callable[[str], str]) -> str:
    """One entry: a line; lines that end in a backslash; or whatever is between triple quotes."""
    line = ask(PROMPT)
    if line.lstrip().startswith(FENCE):
        return _fenced(line.lstrip().removeprefix(FENCE), ask)
    lines = [line]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(ask(MORE))
    return "\n".join(lines)


def _fenced(first: str, ask: Callable[[str], str]) -> str:
    lines = [first]
    while not lines[-1].rstrip().endswith(FENCE):
        lines.append(ask(MORE))
    lines[-1] = lines[-1].rstrip().removesuffix(FENCE)
    return "\n".join(lines).strip("\n")


def _asked_plainly(prompt: str) -> str:
    """Where stdout goes elsewhere, the prompt does not follow it."""
    mutter(prompt)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")


def piped(tell: Callable[[KonsehoError], object]) -> Iterator[str]:
    """Each line of stdin that says something, as it comes; `tell`: of one that is no text."""
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        raise UsageError("stdin was to be read, but it is closed")
    while line := buffer.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise UsageError("a line on stdin holds more than 8 MiB")
        try:
            text = line.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            tell(UsageError("a line on stdin is not text in UTF-8: it was passed over"))
            continue
        if text:
            yield text


def _nothing() -> None:
    pass


def _rewritten(new: int, file: Path) -> None:
    import readline

    readline.write_history_file(file)


def _remembering(file: Path | None) -> Callable[[], None]:
    """Reads what was typed before; what it returns writes down what is new, for nobody else's eyes."""
    try:
        import readline  # only who chats at a terminal loads it; Windows has none
    except ImportError:
        return _nothing
    readline.set_history_length(REMEMBERED)
    if file is None:
        return _nothing
    with contextlib.suppress(OSError):
        readline.read_history_file(file)

    written = readline.get_current_history_length()
    append = getattr(readline, "append_history_file", _rewritten)  # libedit has none

    def remember() -> None:
        nonlocal written
        new = readline.get_current_history_length() - written
        written += new
        with contextlib.suppress(OSError):  # a history that cannot be kept stops nobody
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            append(new, file)  # another chat may have written since
            file.chmod(0o600)

    return remember
