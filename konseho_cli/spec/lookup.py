"""Where a dotted name leads in a value whose shape is known: to nothing, or perhaps to null."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from konseho_cli.steps.shapes import ANYTHING, Shape

METHODS = frozenset({"items", "keys", "values", "get"})
"""Of every mapping, in templates."""

MAX_LOOKS = 1_000
"""Values that are looked into for a key that stands elsewhere: a hint is not worth more."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is at the end of a name, as far as it is known."""

    null: str = ""
    """The first part of the name that is null where a step is skipped: `triage.branches.bug.fix`."""
    missing: str = ""
    """The key that is not there; empty where all are, or where that is not known."""
    within: str = ""
    """What it is missing in: `triage.branches`."""
    known: tuple[str, ...] = ()
    """What is there instead."""


def look_up(name: str, shape: Shape) -> Found:
    """Follow a dotted name from the value that its first part names, which has this shape. Pure."""
    at, *keys = name.split(".")
    null = at if shape.skipped else ""
    for key in keys:
        if shape.keys is None:
            break
        if key not in shape.keys:
            if key in METHODS:
                break
            return Found(null=null, missing=key, within=at, known=tuple(shape.keys))
        shape = shape.keys.get(key, ANYTHING)
        at = f"{at}.{key}"
        null = null or (at if shape.skipped else "")
    return Found(null=null)


def found_below(key: str, values: Iterable[tuple[str, Shape]]) -> str | None:
    """The shortest dotted name of a key below one of these values; None: none has it. Pure."""
    waiting = deque(values)
    for _ in range(MAX_LOOKS):
        if not waiting:
            break
        name, shape = waiting.popleft()
        if shape.keys is None:
            continue
        if key in shape.keys:
            return f"{name}.{key}"
        waiting.extend((f"{name}.{each}", below) for each, below in shape.keys.items())
    return None
