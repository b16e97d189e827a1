"""What the shell may complete, found only while it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Offer(NamedTuple):
    """One completion, as Typer prints it."""

    value: str
    help: str
    type: str = "plain"


def named(known: Mapping[str, str], begun: str) -> list[Offer]:
    """Of names with what they are: those that begin so."""
    return [Offer(name, about) for name, about in known.items() if name.startswith(begun)]
