"""People at the terminal: questions on stderr one after the other, answers from the keyboard.

The terminal keeps its own line editing, so nothing of it has to be put back; it is read on the
loop, so that others go on answering while somebody types.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from konseho_cli.cli.form import fill
from konseho_cli.cli.streams import is_terminal, mutter
from konseho_cli.core.errors import NoAnswer
from konseho_cli.core.units import show_duration
from konseho_cli.models.base import JSON
from konseho_cli.models.person import Question
from konseho_cli.report.frame import Piece
from konseho_cli.report.text import cells, harmless, one_line, plural
from konseho_cli.report.wrap import wrap

if TYPE_CHECKING:
    from konseho_cli.cli.watching import Screen

_CHUNK = 65_536
_PASTE_S = 0.05
"""Between two lines of what is pasted there is less."""
_MOST_LINES = 400
"""Of a prompt that is shown whole at once."""
_FIRST, _LAST = 20, 100
"""Lines that are shown of a longer one."""
_ALL = "?"


class Keyboard:
    """Lines as they are typed."""

    def __init__(self, file: int) -> None:
        """`file`: the descriptor of a terminal."""
        self._file = file
        self._begun = b""
        """What was sent without a line's end, by a first Ctrl-D."""

    def forget(self) -> None:
        """Drop what was typed and not read: it answers nothing that is asked later."""
        import termios

        self._begun = b""
        with suppress(termios.error, OSError):
            termios.tcflush(self._file, termios.TCIFLUSH)

    async def line(self) -> str | None:
        """The next line; None: Ctrl-D where nothing was typed. May be cancelled."""
        while True:
            data = await self._read()
            self._begun += data
            if data and not self._begun.endswith(b"\n"):
                continue
            text, self._begun = self._begun, b""
            return text.decode("utf-8", "replace").rstrip("\r\n") if text else None

    async def more(self) -> bool:
        """Whether a line is there already, or comes sooner than anybody types."""
        loop, there = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._file, there.set)
        try:
            async with asyncio.timeout(_PASTE_S):
                return await there.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._file)

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        typed: asyncio.Future[bytes] = loop.create_future()

        def take() -> None:
            if typed.done():
                return
            try:
                data = os.read(self._file, _CHUNK)
            except OSError:  # the terminal is gone
                data = b""
            typed.set_result(data)

        loop.add_reader(self._file, take)
        try:
            return await typed
        finally:
            loop.remove_reader(self._file)


class TerminalDesk:
    """Asks whoever sits at the terminal: one question at a time, first come, first served."""

    def __init__(self, keyboard: Keyboard) -> None:
        self._keyboard = keyboard
        self._turn = asyncio.Lock()
        self.screen: Screen | None = None
        """What must not be drawn over a question."""

    def attends(self, step: str, agent: str) -> bool:
        """Somebody is there, for everybody."""
        return True

    async def ask(self, question: Question) -> JSON:
        """The answer. Raises NoAnswer."""
        async with self._turn:
            with self._undisturbed():
                return await self._ask(question)

    async def _ask(self, question: Question) -> JSON:
        pad = _Pad(self._keyboard, harmless(question.prompt).strip())
        self._say_who(_heading(question))
        if question.role.strip():
            mutter(f"{harmless(question.role).strip()}\n\n")
        mutter(f"{pad.shown}\n\n")
        self._keyboard.forget()
        try:
            answer = await fill(question.schema, pad)
        except NoAnswer:
            mutter("\n")
            raise NoAnswer(f"{question.who} gave no answer") from None
        except asyncio.CancelledError:
            mutter("\n(The answer is no longer waited for.)\n")
            raise
        self._keyboard.forget()  # the rest of what was pasted is no command for the shell
        mutter("\n")
        return answer

    def _say_who(self, heading: str) -> None:
        mutter("\n")
        if self.screen is None or self.screen.quiet:
            mutter(f"{heading}\n\n")
        else:
            self.screen.show(((Piece(heading, "strong"),), ()))

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        screen = self.screen
        if screen is None:
            yield
            return
        screen.pause()
        try:
            yield
        finally:
            screen.go_on()


class _Pad:
    """One question's place on the screen."""

    def __init__(self, keyboard: Keyboard, prompt: str) -> None:
        self._keyboard = keyboard
        self._whole = _wrapped(prompt)
        self.shown = _shortened(self._whole)

    def say(self, text: str) -> None:
        """Show a line."""
        mutter(f"{harmless(text)}\n")

    async def line(self, prompt: str) -> str | None:
        """What is typed; `?` shows the whole question where it was shortened."""
        while True:
            mutter(harmless(prompt))
            text = await self._keyboard.line()
            if text is None:
                return None
            if text.strip() != _ALL or self.shown == self._whole:
                return harmless(text)  # arrow keys, too, send escape sequences
            mutter(f"\n{self._whole}\n\n")

    async def more(self) -> bool:
        """Whether the next line is there already."""
        return await self._keyboard.more()


def _heading(question: Question) -> str:
    label = f", {one_line(question.label)}" if question.label else ""
    who, step = one_line(question.who), question.step
    text = f"? {who} is asked{'' if who == step else f': {step}'}{label}"
    if question.deadline is None:
        return text
    left_s = question.deadline - asyncio.get_running_loop().time()
    return f"{text} ({show_duration(max(0.0, left_s))} to answer)"


def _wrapped(prompt: str) -> str:
    """Broken between words where the terminal would break within them; laid-out lines stay."""
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
    except (OSError, ValueError):
        return prompt
    lines: list[str] = []
    for line in prompt.splitlines():
        plain = cells(line) > width > 0 and line[:1].strip() and "  " not in line
        lines += wrap(line, width) if plain else (line,)
    return "\n".join(lines)


def _shortened(prompt: str) -> str:
    lines = prompt.splitlines()
    if len(lines) <= _MOST_LINES:
        return prompt
    left_out = plural(len(lines) - _FIRST - _LAST, "line")
    mark = f"[{left_out} left out here: answer {_ALL} to see all of it]"
    return "\n".join([*lines[:_FIRST], "", mark, "", *lines[-_LAST:]])


def keyboard() -> Keyboard | None:
    """That of the terminal which stderr is shown on; None: nobody is there.

    Where stdin is a pipe, as one that holds the task, the terminal itself is read.
    """
    if not is_terminal(sys.stderr):
        return None
    try:
        import termios  # noqa: F401 - Windows has none, nor a loop that reads a terminal
    except ImportError:
        return None
    file = _opened()
    return None if file is None or _in_background(file) else Keyboard(file)


def _opened() -> int | None:
    if is_terminal(sys.stdin):
        return sys.stdin.fileno()
    with suppress(OSError):  # a container may not name what it shows
        if (file := _opened_once(os.ttyname(sys.stderr.fileno()))) is not None:
            return file
    return _opened_once("/dev/tty")


@cache
def _opened_once(name: str) -> int | None:
    """However many turns of a chat ask for it."""
    with suppress(OSError):
        return os.open(name, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    return None


def _in_background(file: int) -> bool:
    """Whether reading would stop the process, as behind `&`."""
    with suppress(OSError):
        return os.tcgetpgrp(file) != os.getpgrp()
    return False
