"""The plan: which step waits for which, and why. Pure; the executor only follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec

from konseho_cli.spec.edges import Edge, edges_of
from konseho_cli.steps.base import Base, Estimate


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step with its place in the graph."""

    id: str
    index: int
    """0-based place in the file."""
    step: Base
    edges: tuple[Edge, ...]
    sees: tuple[str, ...]
    """All steps that it transitively waits for, in the order of the file."""
    estimate: Estimate

    @property
    def waits_for(self) -> frozenset[str]:
        """Ids of the steps that must have ended."""
        return frozenset(edge.step for edge in self.edges)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All steps in the order of the file."""

    steps: tuple[PlannedStep, ...]

    @property
    def estimate(self) -> Estimate:
        """Model calls of the whole run."""
        return sum((step.estimate for step in self.steps), Estimate(fewest=0, most=0))


def make_plan(steps: Mapping[str, Base]) -> Plan:
    """Draw the graph of checked steps; their order is that of the file."""
    edges: dict[str, tuple[Edge, ...]] = {}
    above: str | None = None
    for name, step in steps.items():
        edges[name] = edges_of(step, above, steps.keys())
        above = name
    order = {name: index for index, name in enumerate(steps)}
    seen: dict[str, frozenset[str]] = {}
    for name in _topological(edges):
        direct = frozenset(edge.step for edge in edges[name])
        seen[name] = direct.union(*(seen[other] for other in direct))
    return Plan(
        steps=tuple(
            PlannedStep(
                id=name,
                index=order[name],
                step=step,
                edges=edges[name],
                sees=tuple(sorted(seen[name], key=order.__getitem__)),
                estimate=step.estimate(),
            )
            for name, step in steps.items()
        )
    )


def _topological(edges: Mapping[str, Sequence[Edge]]) -> list[str]:
    waiting = {name: {edge.step for edge in found} for name, found in edges.items()}
    order: list[str] = []
    while waiting:
        free = [name for name, others in waiting.items() if not others & waiting.keys()]
        if not free:
            raise ValueError("the steps wait for each other in a circle")
        for name in free:
            order.append(name)
            del waiting[name]
    return order


def ready(plan: Plan, ended: Set[str], started: Set[str]) -> list[PlannedStep]:
    """Steps that may start now, the most urgent first, then by the order of the file."""
    free = [step for step in plan.steps if step.id not in started and step.waits_for <= ended]
    return sorted(free, key=lambda step: (step.step.priority, step.index))
