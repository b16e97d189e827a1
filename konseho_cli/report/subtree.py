"""The steps inside of a step as a tree shows them: all, or the latest and what is over in a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from konseho_cli.report.view import StepView, Tally

MOST_INSIDE = 12
"""Rows inside of one step; where there were more, iterations that are over are one row."""
_WORST = ("failed", "degraded", "cancelled")


def size(step: StepView) -> int:
    """How many steps ran inside of it, those inside of these included."""
    return len(step.inner) + sum(size(inner) for inner in step.inner.values() if inner.inner)


def shown_inside(step: StepView, *, every: bool) -> Iterator[StepView]:
    """The steps inside of it, or the latest iteration with one row for those before.

    What was left out, as an untaken branch is, is only there where `every` step is.
    """
    if every:
        yield from step.inner.values()
        return
    iterations: dict[int, list[StepView]] = {}
    for inner in step.inner.values():
        if inner.iteration:
            iterations.setdefault(inner.iteration, []).append(inner)
        elif inner.state != "skipped":
            yield inner
    latest = max(iterations, default=0)
    over = [inner for number, own in iterations.items() if number < latest for inner in own]
    if over:
        yield _folded(over, min(iterations), latest - 1)
    yield from iterations.get(latest, ())


def _folded(over: Sequence[StepView], first: int, last: int) -> StepView:
    """Iterations that are over as one row."""
    states = {inner.state for inner in over}
    state = next((each for each in _WORST if each in states), "ok")
    count = last - first + 1
    starts = [inner.start for inner in over if inner.start is not None]
    ends = [inner.end for inner in over if inner.end is not None]
    reasons = [f"{inner.name}: {reason}" for inner in over for reason in _troubles(inner)]
    return StepView(
        id="", name=str(first) if count == 1 else f"{first} to {last}", state=state,
        kind=f"{count:,} iteration{'' if count == 1 else 's'}", reasons=tuple(reasons[-1:]),
        start=min(starts, default=None), end=max(ends, default=None),
        tally=_sum([inner.tally for inner in over]),
    )  # fmt: skip


def _troubles(inner: StepView) -> tuple[str, ...]:
    return () if inner.state == "skipped" else inner.reasons


def _sum(tallies: Sequence[Tally]) -> Tally:
    known = [each.cost for each in tallies if each.cost is not None]
    return Tally(
        calls=sum(each.calls for each in tallies),
        people=sum(each.people for each in tallies),
        programs=sum(each.programs for each in tallies),
        tokens=sum(each.tokens for each in tallies),
        cached=sum(each.cached for each in tallies),
        cost=sum(known, Decimal(0)) if len(known) == len(tallies) else None,
    )
