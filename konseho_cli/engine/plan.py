"""The plan: which step waits for which, and why. Pure; the executor only follows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from graphlib import TopologicalSorter
from itertools import compress
from types import MappingProxyType

import msgspec

from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.edges import Edge, edges_of
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.sizes import Sizes, estimate, sizes_of
from konseho_cli.steps.base import Base, Estimate, root
from konseho_cli.steps.blocks import place_in


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step with its place in the graph."""

    id: str
    index: int
    """0-based place in the file."""
    step: Base
    edges: tuple[Edge, ...]
    waits_for: frozenset[str]
    """Ids of the steps that must have ended."""
    seen: int
    """All steps that it transitively waits for, as a set of bits: their places in `order`."""
    order: Sequence[str]
    """The ids of all steps in the order of the file."""
    reads: frozenset[str]
    """The steps that its templates name."""
    estimate: Estimate
    blocks: Mapping[str, Plan] = {}
    """The plans of the steps that it holds, by `Base.blocks`; `council`: of its council."""
    council: CouncilSpec | None = None
    """The council of a `council` step."""

    @property
    def sees(self) -> tuple[str, ...]:
        """All steps that it transitively waits for, in the order of the file; made each time."""
        return tuple(compress(self.order, map(int, bin(self.seen)[:1:-1])))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All steps in the order of the file."""

    steps: tuple[PlannedStep, ...]
    followers: Mapping[str, Sequence[PlannedStep]]
    """Those that wait for a step, by its id; only of steps that others wait for."""

    @property
    def estimate(self) -> Estimate:
        """Model calls of the whole run."""
        return sum((step.estimate for step in self.steps), Estimate(fewest=0, most=0))


def plan_of(loaded: Loaded) -> Plan:
    """The plan of a whole council; its populations need not be expanded yet."""
    return make_plan(loaded.steps, loaded.councils, sizes=sizes_of(loaded.spec.agents))


def make_plan(
    steps: Mapping[str, Base],
    councils: Mapping[str, Loaded] | None = None,
    around: str = "",
    sizes: Sizes = MappingProxyType({}),
) -> Plan:
    """Draw the graph of checked steps; their order is that of the file.

    `councils`: those of `council` steps, by place; `around`: what the places here begin with.
    `sizes`: of the populations that are not expanded yet, for the estimates.
    """
    councils = councils or {}
    names = tuple(steps)
    edges = {
        name: edges_of(steps[name], names[index - 1] if index else None, steps.keys())
        for index, name in enumerate(names)
    }
    seen = _seen(names, edges)
    reads = {
        name: frozenset(root(path) for paths in step.references().values() for path in paths)
        for name, step in steps.items()
    }
    planned = tuple(
        PlannedStep(
            id=name,
            index=index,
            step=steps[name],
            edges=edges[name],
            waits_for=frozenset(edge.step for edge in edges[name]),
            seen=seen[name],
            order=names,
            reads=reads[name] & steps.keys(),
            estimate=estimate(steps[name], sizes) + _summary(steps[name], sees=bool(seen[name])),
            blocks=_blocks(steps[name], f"{around}{name}", councils, sizes),
            council=councils[place].spec if (place := f"{around}{name}") in councils else None,
        )
        for index, name in enumerate(names)
    )
    return Plan(steps=planned, followers=_followers(planned))


def every_planned(plan: Plan, around: str = "") -> Iterator[tuple[str, PlannedStep]]:
    """All steps with the place where each is written, those inside of a step after it."""
    for step in plan.steps:
        place = f"{around}{step.id}"
        yield place, step
        for block, inner in step.blocks.items():
            yield from every_planned(inner, place_in(place, block))


def _blocks(
    step: Base, place: str, councils: Mapping[str, Loaded], sizes: Sizes
) -> dict[str, Plan]:
    if place in councils:
        return {"council": plan_of(councils[place])}
    return {
        block: make_plan(
            {inner.id: inner for inner in held}, councils, place_in(place, block), sizes
        )
        for block, held in step.blocks().items()
    }


def _summary(step: Base, *, sees: bool) -> Estimate:
    """The call that sums up what does not fit into the step's window, if that comes to it."""
    return Estimate(fewest=0, most=int(sees and step.summariser is not None))


def _seen(names: Sequence[str], edges: Mapping[str, Sequence[Edge]]) -> dict[str, int]:
    """What each step transitively waits for, as a set of bits: thousands of steps stay cheap."""
    bits = {name: 1 << index for index, name in enumerate(names)}
    graph = {name: [edge.step for edge in found] for name, found in edges.items()}
    seen: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        seen[name] = 0
        for other in graph[name]:
            seen[name] |= bits[other] | seen[other]
    return seen


def _followers(steps: Iterable[PlannedStep]) -> dict[str, list[PlannedStep]]:
    found: dict[str, list[PlannedStep]] = {}
    for step in steps:
        for edge in step.edges:
            found.setdefault(edge.step, []).append(step)
    return found


def ready(steps: Iterable[PlannedStep], ended: Set[str], started: Set[str]) -> list[PlannedStep]:
    """Those of `steps` that may start now, the most urgent first, then by the order of the file."""
    free = [step for step in steps if step.id not in started and step.waits_for <= ended]
    return sorted(free, key=lambda step: (step.step.priority, step.index))
