"""A sweep: one thing at several values, and the value from which on more saves next to nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from konseho_cli.profiling.prediction import Prediction

NEARLY = 0.05
"""Of the best makespan: who comes so near to it is at the knee."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What each value came to, in the order in which they were stated."""

    what: str
    """`concurrency`, `agent.critic`."""
    values: tuple[str, ...]
    predictions: tuple[Prediction, ...]

    @property
    def knee(self) -> int | None:
        """Which of the values it is; None where none is better than another, or all are cut off."""
        return knee([each.after_s for each in self.predictions])


def knee(makespans: Sequence[float]) -> int | None:
    """The nearest one to the worse end that is within a twentieth of the best one.

    None where the ends are the same: there is nothing to gain.
    """
    if len(makespans) < 2 or max(makespans) <= min(makespans) * (1 + NEARLY):
        return None
    enough = min(makespans) * (1 + NEARLY)
    good = [place for place, each in enumerate(makespans) if each <= enough]
    return good[0] if makespans[0] >= makespans[-1] else good[-1]
