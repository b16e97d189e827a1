"""A sweep: one thing at several values, and the value from which on more saves next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.profiling.prediction import Prediction

NEARLY = 0.05
"""Of the best makespan: who comes so near to it is at the knee."""
MOST_OF_IT = 0.8
"""Of the values: a curve that still falls beyond them has no knee yet."""

Course: TypeAlias = Literal["", "flat", "falls", "knee"]
"""What a sweep shows: nothing, no difference, a fall that goes on at its end, or a knee."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """What each value came to, in the order in which they were stated."""

    what: str
    """`concurrency`, `agent.critic`."""
    values: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    unchanged: Prediction

    def fails(self, place: int) -> bool:
        """Whether a value ends the run as it did not end: its makespan says nothing."""
        return self.predictions[place].fails(self.unchanged)

    @property
    def course(self) -> Course:
        """What the values that do not fail show."""
        return course([self.predictions[place].after_s for place in self._whole])

    @property
    def knee(self) -> int | None:
        """Which of the values it is; None where the sweep shows none."""
        whole = self._whole
        found = knee([self.predictions[place].after_s for place in whole])
        return None if found is None else whole[found]

    @property
    def last(self) -> str:
        """The value at the better end, of those that do not fail."""
        whole = self._whole
        after = [self.predictions[place].after_s for place in whole]
        return self.values[whole[-1] if after[0] >= after[-1] else whole[0]]

    @property
    def _whole(self) -> list[int]:
        return [place for place in range(len(self.values)) if not self.fails(place)]


def course(makespans: Sequence[float]) -> Course:
    """What they show, from the worse end to the better one.

    A knee needs an end that is flat: the last fifth of the values must bring next to nothing.
    """
    if len(makespans) < 2:
        return ""
    if max(makespans) <= min(makespans) * (1 + NEARLY):
        return "flat"
    ordered = makespans if makespans[0] >= makespans[-1] else makespans[::-1]
    late = ordered[int(MOST_OF_IT * (len(ordered) - 1))]
    return "falls" if late > ordered[-1] * (1 + NEARLY) else "knee"


def knee(makespans: Sequence[float]) -> int | None:
    """The nearest one to the worse end that is within a twentieth of the best one, or None."""
    if course(makespans) != "knee":
        return None
    enough = min(makespans) * (1 + NEARLY)
    good = [place for place, each in enumerate(makespans) if each <= enough]
    return good[0] if makespans[0] >= makespans[-1] else good[-1]
