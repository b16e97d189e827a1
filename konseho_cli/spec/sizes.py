"""How many members populations have, as far as it is known, and what that says about a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from konseho_cli.agents.definition import Agent
from konseho_cli.steps.base import Base, Estimate, speaker_ids
from konseho_cli.steps.blocks import every_step, expanded, shape_of
from konseho_cli.steps.shapes import Shape

T = TypeVar("T", bound=Base)
Sizes: TypeAlias = Mapping[str, int | None]
"""Members by population; None: known once the inputs are."""
_MANY = 100
"""Members that satisfy every rule which asks for some, where no quorum asks for more."""


def sizes_of(agents: Mapping[str, Agent]) -> Sizes:
    """Of all populations among the agents."""
    return {
        name: len(agent.each) if isinstance(agent.each, list) else None
        for name, agent in agents.items()
        if agent.each is not None
    }


def mistakes(step: Base, sizes: Sizes) -> Mapping[str, str]:
    """What its `check()` says, however many they are of whom nobody knows how many they are."""
    few = _sized(step, sizes, 1).check()
    if not few or not _is_open(step, sizes):
        return few
    many = _sized(step, sizes, max(_MANY, getattr(step, "quorum", None) or 0)).check()
    return {field: what for field, what in many.items() if field in few}


def shape(step: Base, sizes: Sizes) -> Shape:
    """What may be read of its value, as far as it is known before the members are."""
    if not sizes:
        return shape_of(step)
    one, two = (shape_of(_sized(step, dict.fromkeys(sizes, many), 1)) for many in (1, 2))
    return _agreed(one, two)


def _agreed(one: Shape, two: Shape) -> Shape:
    """What is known whichever of the two it is."""
    if one.keys is None or two.keys is None or one.keys.keys() != two.keys.keys():
        return Shape(skipped=one.skipped)
    keys = {key: _agreed(below, two.keys[key]) for key, below in one.keys.items()}
    return Shape(keys=keys, skipped=one.skipped)


def estimate(step: Base, sizes: Sizes) -> Estimate:
    """Its model calls, as far as they are known before its members are."""
    found = _sized(step, sizes, 1).estimate()
    return Estimate(fewest=found.fewest, most=None) if _is_open(step, sizes) else found


def _is_open(step: Base, sizes: Sizes) -> bool:
    unknown = {name for name, size in sizes.items() if size is None}
    return bool(unknown) and not unknown.isdisjoint(_named(step))


def _sized(step: T, sizes: Sizes, unknown: int) -> T:
    if not sizes:
        return step
    named = _named(step)
    return expanded(
        step,
        {
            # No ids, so that nobody is taken for one of them.
            name: [f"{name}#{at}" for at in range(unknown if size is None else size)]
            for name, size in sizes.items()
            if name in named
        },
    )


def _named(step: Base) -> set[str]:
    """Whom it and the steps that it holds name."""
    return {name for _, each in every_step([step]) for name in speaker_ids(each)}
