"""The steps of a run as rows of a table: those inside of others below them, many summed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from konseho_cli.engine.within import addresses
from konseho_cli.models.base import place_of
from konseho_cli.profiling.time.analysis import StepTime

MOST_INSIDE = 12
"""Rows below one step of the council; where there were more, they are summed by place."""


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step, or all that ran of one that is written inside of another."""

    time: StepTime
    """Its figures, or their sums."""
    name: str
    """Without what the rows above it say: `2.draft`; where there are sums `draft`."""
    depth: int
    """0 for a step of the council."""
    count: int = 1
    """How many are summed."""

    @property
    def text(self) -> str:
        """`draft × 30`."""
        return self.name if self.count == 1 else f"{self.name} × {self.count:,}"


def step_rows(steps: Sequence[StepTime]) -> tuple[StepRow, ...]:
    """In the order of `steps`, in which each is followed by those inside of it."""
    inside = Counter(addresses(step.step)[0] for step in steps if "." in step.step)
    rows: list[StepRow] = []
    summed: dict[str, list[StepTime]] = {}
    known = {step.step for step in steps}
    for step in steps:
        top = addresses(step.step)[0]
        if inside[top] > MOST_INSIDE and step.step != top:
            summed.setdefault(top, []).append(step)
        else:
            rows.append(_row(step, known, 1))
    return tuple(
        row for one in rows for row in (one, *_sums(one.time, summed.get(one.time.step, ())))
    )


def _row(step: StepTime, known: Iterable[str], count: int) -> StepRow:
    around = [one for one in addresses(step.step)[:-1] if one in known]
    name = step.step.removeprefix(f"{around[-1]}.") if around else step.step
    return StepRow(time=step, name=name, depth=len(around), count=count)


def _sums(top: StepTime, steps: Sequence[StepTime]) -> list[StepRow]:
    """A row a place, in the order in which each was first come to, below what is around it."""
    by_place: dict[str, list[StepTime]] = {}
    for step in steps:
        by_place.setdefault(place_of(step.step), []).append(step)
    first = {place: number for number, place in enumerate(by_place)}
    known = {top.step, *by_place}
    order = sorted(
        by_place, key=lambda place: [first[one] for one in addresses(place) if one in first]
    )
    return [_row(_sum(place, by_place[place]), known, len(by_place[place])) for place in order]


def _sum(place: str, steps: Sequence[StepTime]) -> StepTime:
    waiting: Counter[str] = Counter()
    for step in steps:
        waiting.update(step.waiting)
    return StepTime(
        step=place,
        kind=steps[0].kind,
        duration=sum(step.duration for step in steps),
        working=sum(step.working for step in steps),
        waiting=dict(sorted(waiting.items())),
        overhead=sum(step.overhead for step in steps),
        on_path=sum(step.on_path for step in steps),
    )
