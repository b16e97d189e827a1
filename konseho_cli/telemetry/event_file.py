"""Events in a file: one JSON object a line, written by a thread, so that no disk holds the run.

Nothing is dropped: what the file has not taken yet waits in memory, in order, up to a bound. A file
that falls behind further, or takes no more, is a viewer that is detached and named: the run goes on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Protocol

import msgspec

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import open_private
from konseho_cli.core.source import shown_path
from konseho_cli.core.units import show_duration, show_size
from konseho_cli.telemetry.events import (
    AskFinished,
    AskRetried,
    Event,
    RunStarted,
    TextArrived,
)
from konseho_cli.version import __version__

FORMAT = 1
BUFFER = 64 << 20
"""Bytes that may wait for the file."""
PIECE = 1 << 16
"""Bytes of one write: what a pipe holds, so that a slow reader is seen to go on."""
STALL_S = 5.0
"""At the end of a run, that a file may take nothing at all before it is given up."""
KIND = "file of events"
BEGINS = b'{"konseho_events":'
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Stream(Protocol):
    """Pieces of a text, of which the secrets are taken out even where they are split."""

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        ...

    def flush(self) -> None:
        """There are no more."""
        ...


class Hider(Protocol):
    """Knows secrets, and takes them out of texts."""

    def hide(self, text: str) -> str:
        """The text without them."""
        ...

    def finds(self, document: bytes) -> bool:
        """Whether a JSON document holds one."""
        ...

    def stream(self, sink: Callable[[str], None]) -> Stream:
        """For a text that comes in pieces."""
        ...


class EventFile:
    """A listener that writes lines. Times (`at`) are nanoseconds since the run began.

    `path` may be `-`, stdout. `wall`: seconds since the epoch; `buffer` and `stall_s` as above. The file is opened at once:
    raises UsageError.
    """

    def __init__(
        self,
        path: Path,
        hider: Hider,
        wall: Callable[[], float],
        *,
        buffer: int = BUFFER,
        stall_s: float = STALL_S,
    ) -> None:
        self._lines = _Lines(path, buffer, stall_s)
        self._hider = hider
        self._wall = wall
        self._began = 0
        self._texts: dict[int, tuple[Stream, list[str]]] = {}

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch. Raises KonsehoError where the file takes no more."""
        self._lines.put(b"".join(line for event in batch for line in self._written(event)))

    def close(self) -> None:
        """Wait until all is written, or the file takes no more. Blocks: not for a loop."""
        self._lines.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong after the last event."""
        return () if self._lines.error is None or self._lines.told else (self._lines.error,)

    def _written(self, event: Event) -> list[bytes]:
        if isinstance(event, TextArrived):
            return self._piece(event)
        lines: list[bytes] = []
        if isinstance(event, RunStarted):
            self._began = event.at
            lines.append(_line(self._header(event)))
        elif isinstance(event, (AskFinished, AskRetried)) and event.call in self._texts:
            lines += self._rest(event)
        return [*lines, self._line(event)]

    def _header(self, event: RunStarted) -> dict[str, Any]:
        return {
            "konseho_events": FORMAT, "version": __version__, "run": event.run,
            "council": self._hider.hide(event.council), "started": self._wall(),
        }  # fmt: skip

    def _piece(self, event: TextArrived) -> list[bytes]:
        """The piece, less what may be the beginning of a secret: that comes with the next one."""
        if event.call not in self._texts:
            pieces: list[str] = []
            self._texts[event.call] = (self._hider.stream(pieces.append), pieces)
        stream, pieces = self._texts[event.call]
        stream.feed(event.text)
        return self._released(event, pieces)

    def _rest(self, event: AskFinished | AskRetried) -> list[bytes]:
        stream, pieces = self._texts.pop(event.call)
        stream.flush()
        return self._released(event, pieces)

    def _released(
        self, event: TextArrived | AskFinished | AskRetried, pieces: list[str]
    ) -> list[bytes]:
        text = "".join(pieces)
        pieces.clear()
        if not text:
            return []
        arrived = TextArrived(
            at=event.at, step=event.step, agent=event.agent, call=event.call, text=text
        )
        return [self._line(arrived)]

    def _line(self, event: Event) -> bytes:
        fields = msgspec.structs.asdict(event)
        line = _line({"event": event.name, **fields, "at": event.at - self._began})
        if self._hider.finds(line):
            hidden = {name: _hidden(value, self._hider) for name, value in fields.items()}
            line = _line({"event": event.name, **hidden, "at": event.at - self._began})
        return line


def _line(document: dict[str, Any]) -> bytes:
    try:
        return _encode(document) + b"\n"
    except UnicodeEncodeError:  # half a pair, which UTF-8 has no place for
        return _encode(_encodable(document)) + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _encodable(each) for name, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, tuple) else value


def _hidden(value: Any, hider: Hider) -> Any:
    if isinstance(value, str):
        return hider.hide(value)
    return tuple(_hidden(each, hider) for each in value) if isinstance(value, tuple) else value


def _stdout() -> int:
    """A descriptor of its own: it goes on where stdout is, and is closed without it."""
    try:
        return os.dup(1)
    except OSError as error:
        raise UsageError(f"stdout cannot be written: {error.strerror}") from None


class _Lines:
    """Bytes on their way to a file: put by the loop, written by a thread, in order."""

    def __init__(self, path: Path, buffer: int, stall_s: float) -> None:
        self.error: str | None = None
        """Why the file took no more."""
        self.told = False
        """Whether somebody was told of that."""
        self._full: str | None = None
        stdout = str(path) == "-"
        self._shown = "stdout" if stdout else shown_path(path)
        self._file = _stdout() if stdout else open_private(path, begins=BEGINS, kind=KIND)
        self._buffer = buffer
        self._stall_s = stall_s
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._written = 0
        self._closed = False
        self._change = Condition()
        self._thread = Thread(target=self._write_all, name="konseho-events", daemon=True)
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Write it soon. Raises KonsehoError: not any more."""
        with self._change:
            if self._size + len(data) > self._buffer:
                behind = show_size(self._buffer)
                self._full = f"{self._shown} is cut short: it fell behind by more than {behind}"
            if self.error is not None or self._full is not None:
                self.told = True
                raise KonsehoError(self.error or self._full or "")
            self._waiting.append(data)
            self._size += len(data)
            self._change.notify_all()

    def close(self) -> None:
        """Wait for the thread, as long as the file takes anything."""
        with self._change:
            self._closed = True
            self._change.notify_all()
            before = -1
            while self._written > before and not self._is_done():
                before = self._written
                self._change.wait_for(self._is_done, self._stall_s)
            if self._size and self.error is None:
                stalled = show_duration(self._stall_s)
                self.error = f"{self._shown} is cut short: it took nothing for {stalled}"

    def _is_done(self) -> bool:
        return not self._size or self.error is not None

    def _write_all(self) -> None:
        try:
            while data := self._next():
                self._write(memoryview(data))
        except OSError as error:
            with self._change:
                self.error = f"{self._shown} could not be written: {error.strerror}"
                self._change.notify_all()
        finally:
            os.close(self._file)

    def _next(self) -> bytes:
        """What waits, up to a piece of a size that a file takes at once; empty: that was all."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closed)
            data, size = [], 0
            while self._waiting and size < PIECE:
                data.append(self._waiting.popleft())
                size += len(data[-1])
            return b"".join(data)

    def _write(self, rest: memoryview) -> None:
        while rest:
            count = os.write(self._file, rest[:PIECE])
            rest = rest[count:]
            with self._change:
                self._size -= count
                self._written += count
                self._change.notify_all()
