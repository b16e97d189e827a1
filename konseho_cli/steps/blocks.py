"""Steps that hold steps: what they cannot have, and all that a council holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from konseho_cli.steps.base import Base


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
