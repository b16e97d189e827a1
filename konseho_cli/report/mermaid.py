"""A plan as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.report.plan import cast_text, reason
from konseho_cli.report.text import listed
from konseho_cli.spec.sizes import Sizes


def plan_mermaid(plan: Plan, sizes: Sizes = MappingProxyType({})) -> str:
    """Steps as boxes, what they wait for as arrows that say why. `sizes`: of the populations."""
    lines = ["flowchart TD"]
    lines += (f'    {_node(step.id)}["{_label(step, sizes)}"]' for step in plan.steps)
    lines += (line for step in plan.steps for line in _arrows(step))
    return "\n".join(lines)


def _arrows(step: PlannedStep) -> Iterator[str]:
    for edge in step.edges:
        yield f'    {_node(edge.step)} -->|"{reason(edge.because)}"| {_node(step.id)}'


def _label(step: PlannedStep, sizes: Sizes) -> str:
    who = listed(cast_text(step, sizes))
    return f"<b>{step.id}</b><br/>{step.step.kind}" + (f": {who}" if who else "")


def _node(step: str) -> str:
    """Prefixed: a step may be called `end`, which Mermaid takes for itself."""
    return f"step_{step}"
