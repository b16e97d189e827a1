"""The steps inside of steps as outcomes of their own, and the calls of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from konseho_cli.engine.outcome import RunOutcome, StepOutcome
from konseho_cli.models.base import place_of
from konseho_cli.steps.results import Part

Said = Mapping[str, tuple[Part, ...]]
"""What was said in a step, by its address."""


_TOLD_BY_DETAILS = ("debate", "vote")
"""What was said in these is in their details whole, and in better order."""


class HasStep(Protocol):
    """What belongs to a step."""

    @property
    def step(self) -> str:
        """Its address."""
        ...


C = TypeVar("C", bound=HasStep)


def every_outcome(outcome: RunOutcome, said: Said | None = None) -> Iterator[StepOutcome]:
    """All steps of a run in their order, each followed by those that ran inside of it."""
    for step in outcome.steps:
        yield step
        yield from within(step, said)


def within(step: StepOutcome, said: Said | None = None) -> Iterator[StepOutcome]:
    """The steps that ran inside of a step, those inside of these included.

    Their values are in that of the step around them, and not here; `said` gives them their parts.
    """
    for inner in held_by(step, said):
        yield inner
        yield from within(inner, said)


def held_by(step: StepOutcome, said: Said | None = None) -> Iterator[StepOutcome]:
    """The same without those that are inside of these."""
    for record in step.details.get("steps", ()):
        yield _outcome(step, record, said or {})


def own_details(step: StepOutcome) -> dict[str, Any]:
    """What a step leaves of itself, without the records of those that it holds."""
    return {name: value for name, value in step.details.items() if name != "steps"}


def _outcome(around: StepOutcome, record: Mapping[str, Any], said: Said) -> StepOutcome:
    told = record["kind"] in _TOLD_BY_DETAILS
    began, took = record.get("began_s"), record.get("took_s")
    start = None if began is None else (around.start or 0) + round(began * 1e9)
    return StepOutcome(
        id=record["id"],
        kind=record["kind"],
        status=record["status"],
        parts=() if told else said.get(record["id"], ()),
        details=record["details"],
        reasons=tuple(record["reasons"]),
        start=start,
        end=None if start is None or took is None else start + round(took * 1e9),
    )


def by_step(things: Iterable[C]) -> dict[str, list[C]]:
    """What belongs to each step, that of the steps inside of it included."""
    found: dict[str, list[C]] = {}
    around: dict[str, tuple[str, ...]] = {}
    for each in things:
        if each.step not in around:
            around[each.step] = addresses(each.step)
        for address in around[each.step]:
            found.setdefault(address, []).append(each)
    return found


def addresses(address: str) -> tuple[str, ...]:
    """Of a step and of all around it, the outermost first: `polish`, `polish.2`, `polish.2.draft`."""
    parts = address.split(".")
    return tuple(".".join(parts[: count + 1]) for count in range(len(parts)))


def is_inside(address: str, place: str) -> bool:
    """Whether an address is that of a step written at this place, or inside of that step."""
    return f"{place_of(address)}.".startswith(f"{place}.")
