"""Whom a run picked from its pools, as its calls tell: whoever goes on picks the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Picked: TypeAlias = Mapping[tuple[str, str, int], tuple[str, ...]]
"""By step with its try, item and turn: the agents, in the order in which they were asked."""


def picked(calls: Iterable[tuple[str, str, int, str]]) -> Picked:
    """From the step with its try, the item, the turn and the agent of every call, oldest first."""
    found: dict[tuple[str, str, int], tuple[str, ...]] = {}
    for path, item, turn, agent in calls:
        # Who stood in for one that failed has a longer path, and was not picked.
        if item:
            key = (path, item, turn)
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), agent)))
    return found
