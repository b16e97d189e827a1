"""Server-sent events: bytes in, split anywhere; whole events out."""

from __future__ import annotations

from typing import NamedTuple

from konseho_cli.core.units import show_size

MAX_EVENT = 8 << 20
"""Bytes of one line or one event; a server that sends more is not answering a question."""
_BOM = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event; `data` stays bytes, because whoever reads it is a JSON decoder."""

    name: str
    """Its `event:` field; `message` where there is none."""
    data: bytes


class EventTooLong(ValueError):
    """A line or an event is longer than any real one."""


class SseParser:
    """An incremental parser of one stream (WHATWG HTML, section 9.2.6).

    Lines end in LF, CR or CRLF. `feed` raises EventTooLong rather than keep collecting.
    """

    __slots__ = ("_after_cr", "_data", "_first", "_limit", "_name", "_size", "_tail", "_tail_size")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._after_cr = False
        self._first = True
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Take the next bytes; returns the events that are complete with them."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        events: list[SseEvent] = []
        if lines:
            if self._tail:
                lines[0] = b"".join((*self._tail, lines[0]))
                self._tail.clear()
                self._tail_size = 0
            if self._first:
                self._first = False
                lines[0] = lines[0].removeprefix(_BOM)
            self._lines(lines, events)
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
            self._bound(self._tail_size)
        return events

    def close(self) -> list[SseEvent]:
        """The stream ended: an event whose blank line is missing comes out after all."""
        return self.feed(b"\n\n") if self._tail or self._data else []

    def _lines(self, lines: list[bytes], events: list[SseEvent]) -> None:
        # one loop without calls for what nearly every line is: this runs for every token
        data = self._data
        for line in lines:
            if line[:6] == b"data: ":
                data.append(line[6:])
                self._size += len(line)
            elif line:
                self._field(line)
            elif data:
                whole = data[0] if len(data) == 1 else b"\n".join(data)
                if whole:
                    events.append(SseEvent(self._name or "message", whole))
                data.clear()
                self._size = 0
                self._name = ""
            else:
                self._name = ""
            if self._size > self._limit:
                self._bound(self._size)

    def _field(self, line: bytes) -> None:
        """Any line but `data: …`; comments and unknown fields are let pass."""
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(line)
        elif field == b"event":
            self._name = value.decode(errors="replace")

    def _bound(self, size: int) -> None:
        if size > self._limit:
            raise EventTooLong(f"an event of more than {show_size(self._limit)}")
