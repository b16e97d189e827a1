"""A plan as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.report.plan import cast_text, reason, sizes_inside
from konseho_cli.report.text import listed
from konseho_cli.spec.sizes import Sizes
from konseho_cli.steps.blocks import place_in


def plan_mermaid(plan: Plan, sizes: Sizes = MappingProxyType({})) -> str:
    """Steps as boxes, what they wait for as arrows that say why; a step that holds steps is a frame.

    `sizes`: of the populations.
    """
    return "\n".join(("flowchart TD", *_drawn(plan, sizes, "")))


def _drawn(plan: Plan, sizes: Sizes, around: str) -> Iterator[str]:
    for step in plan.steps:
        yield from (f"    {line}" for line in _box(step, sizes, around))
    for step in plan.steps:
        for edge in step.edges:
            why = reason(step, edge.because)
            yield f'    {_node(around + edge.step)} -->|"{why}"| {_node(around + step.id)}'


def _box(step: PlannedStep, sizes: Sizes, around: str) -> Iterator[str]:
    node = _node(around + step.id)
    if not step.blocks:
        yield f'{node}["{_label(step, sizes)}"]'
        return
    yield f'subgraph {node}["{_label(step, sizes)}"]'
    sizes = sizes_inside(step, sizes)
    for path, plan in step.blocks.items():
        inside = place_in(around + step.id, path)
        name = path.partition(".")[2]
        if name:
            yield f'    subgraph {_node(inside[:-1])}["{name}"]'
            yield from (f"    {line}" for line in _drawn(plan, sizes, inside))
            yield "    end"
        else:
            yield from _drawn(plan, sizes, inside)
    yield "end"


def _label(step: PlannedStep, sizes: Sizes) -> str:
    who = listed(cast_text(step, sizes))
    return f"<b>{step.id}</b><br/>{step.step.kind}" + (f": {who}" if who else "")


def _node(step: str) -> str:
    """Prefixed: a step may be called `end`, which Mermaid takes for itself. No id has capitals."""
    return f"step_{step.replace('.', '_IN_')}"
