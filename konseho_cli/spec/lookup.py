"""Where a dotted name leads in a value whose shape is known: to nothing, or perhaps to null."""

from __future__ import annotations

import msgspec

from konseho_cli.steps.shapes import ANYTHING, Shape

METHODS = frozenset({"items", "keys", "values", "get"})
"""Of every mapping, in templates."""


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
