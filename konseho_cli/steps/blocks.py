"""Steps that hold steps: what they cannot have, and all that a council holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from konseho_cli.steps.base import Base, agent_id
from konseho_cli.steps.shapes import Shape

T = TypeVar("T", bound=Base)


def check_holder(step: Base) -> dict[str, str]:
    """What a step that only holds others cannot have: it asks nobody itself."""
    asking = {
        "prompt": step.prompt, "window": step.window, "cache": step.cache, "output": step.output,
    }  # fmt: skip
    what = f"a {step.kind} asks nobody itself: set it on its steps"
    found = {name: what for name, value in asking.items() if value is not None}
    if step.fallback is not None and step.fallback.agent is not None:
        found["fallback"] = f"nobody stands in for a {step.kind}: use `fallback: {{value: …}}`"
    return found


def shape_of(step: Base) -> Shape:
    """What is known of a step's value, its own `when` included."""
    if step.when is None or step.when is True:
        return step.shape()
    return msgspec.structs.replace(step.shape(), skipped=True)


def shape_of_block(steps: Iterable[Base], *, skipped: bool = False) -> Shape:
    """What is known of the values of a block by step; `skipped`: as a whole it may be."""
    known = {step.id: shape_of(step) for step in steps}
    if skipped:
        known = {name: msgspec.structs.replace(each, skipped=True) for name, each in known.items()}
    return Shape(keys=known)


def expanded(step: T, members: Mapping[str, Sequence[str]]) -> T:
    """The step with members in place of the populations that its lists name; itself, without any.

    The steps that it holds likewise.
    """
    changes: dict[str, tuple[str, ...]] = {}
    for field in step.speakers():
        written = getattr(step, field)
        if isinstance(written, (list, tuple)) and any(agent_id(ref) in members for ref in written):
            changes[field] = tuple(
                name for ref in written for name in members.get(agent_id(ref), (agent_id(ref),))
            )
    found = msgspec.structs.replace(step, **changes) if changes else step
    blocks = found.blocks()
    held = {name: [expanded(inner, members) for inner in steps] for name, steps in blocks.items()}
    same = all(
        new is old for name in blocks for new, old in zip(held[name], blocks[name], strict=True)
    )
    return found if same else found.with_blocks(held)


def place_in(holder: str, block: str) -> str:
    """What the places of the steps of a block begin with: `triage.bug.` of `branches.bug`."""
    name = block.partition(".")[2]
    return f"{holder}.{name}." if name else f"{holder}."


def every_step(steps: Iterable[Base], around: str = "") -> Iterator[tuple[str, Base]]:
    """All steps with the place where each is written: `polish`, `polish.draft`."""
    for step in steps:
        place = f"{around}{step.id}"
        yield place, step
        for block, held in step.blocks().items():
            yield from every_step(held, place_in(place, block))


def written_steps(
    steps: Iterable[Mapping[str, Any]], around: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The same of the steps of a document, in which each has its id."""
    for step in steps:
        place = f"{around}{step['id']}"
        yield place, step
        council = step.get("council")
        if isinstance(council, Mapping):
            inner = council.get("steps") or ()
            yield from written_steps([each for each in inner if "id" in each], f"{place}.")
        yield from written_steps(step.get("steps") or (), f"{place}.")
        for name, branch in (step.get("branches") or {}).items():
            yield from written_steps(branch or (), f"{place}.{name}.")
