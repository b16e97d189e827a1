"""How a request differs from the one that was recorded: for people who changed a prompt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from konseho_cli.models.base import Message, Request

_LINES = 24
"""Of a difference that are shown."""
_WIDTH = 120
_CONTEXT = 2


def differing_fields(recorded: Request, asked: Request) -> tuple[str, ...]:
    """Names of the fields that differ."""
    return tuple(
        name
        for name in Request.__struct_fields__
        if getattr(recorded, name) != getattr(asked, name)
    )


def difference(recorded: Request, asked: Request) -> str:
    """Some lines: plain fields as `temperature: 0.2 → 0.7`, messages as a unified diff."""
    lines = list(_lines(recorded, asked))
    more = len(lines) - _LINES
    shown = [_short(line) for line in lines[:_LINES]]
    return "\n".join([*shown, f"… {more} more lines"] if more > 0 else shown)


def _lines(recorded: Request, asked: Request) -> Iterator[str]:
    for name in differing_fields(recorded, asked):
        if name != "messages":
            yield f"{name}: {getattr(recorded, name)!r} → {getattr(asked, name)!r}"
    if recorded.messages != asked.messages:
        yield from _messages(recorded.messages, asked.messages)


def _messages(recorded: Sequence[Message], asked: Sequence[Message]) -> Iterator[str]:
    for number in range(max(len(recorded), len(asked))):
        then = recorded[number] if number < len(recorded) else None
        now = asked[number] if number < len(asked) else None
        if then == now:
            continue
        yield f"message {number + 1}: {_whose(then, now)}"
        yield from _diff(then.text if then else "", now.text if now else "")


def _whose(then: Message | None, now: Message | None) -> str:
    if then is None or now is None:
        there = then or now
        assert there is not None
        return f"{there.role}, {'recorded' if then else 'new'}"
    return then.role if then.role == now.role else f"{then.role} → {now.role}"


def _diff(then: str, now: str) -> Iterator[str]:
    lines = difflib.unified_diff(
        then.splitlines(), now.splitlines(), n=_CONTEXT, lineterm="", fromfile="-", tofile="+"
    )
    yield from (line for line in list(lines)[2:])  # without the names of files


def _short(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"
