"""What is known of a step's value before the run: its keys, theirs, and what may be null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What templates may read of a value."""

    keys: Mapping[str, Shape] | None = None
    """What is below each key; None: not known."""
    skipped: bool = False
    """Whether it is null where a step is skipped."""


ANYTHING = Shape()
"""Not known."""


def flat(keys: Iterable[str] | None) -> Shape:
    """A value of which no more than its keys is known."""
    return ANYTHING if keys is None else Shape(keys=dict.fromkeys(keys, ANYTHING))
