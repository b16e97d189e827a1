"""Which step waits for which, and why: `needs`, what templates read, or else the step above."""

from __future__ import annotations

from collections.abc import Mapping, Set

import msgspec

from konseho_cli.steps.base import Base

STEP_ABOVE = "the step above"


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """One reason to wait."""

    step: str
    """The step waited for."""
    because: str
    """`needs`, the name of the field that reads it (`prompt`), or `the step above`."""


def edges_of(
    step: Base,
    above: str | None,
    known: Set[str],
    reads: Mapping[str, frozenset[str]] | None = None,
) -> tuple[Edge, ...]:
    """What one step waits for: `needs`, what its templates read, or else the step above.

    `reads`: its `references()`, where they are known already. Raises BadTemplate without.
    """
    found: dict[str, str] = {}
    for need in step.needs or ():
        found.setdefault(need, "needs")
    for field, names in (step.references() if reads is None else reads).items():
        for name in sorted(names):
            root = name.partition(".")[0]
            if root in known:
                found.setdefault(root, field)
    if not found and step.needs is None and above is not None:
        found[above] = STEP_ABOVE
    return tuple(Edge(step=name, because=because) for name, because in found.items())
