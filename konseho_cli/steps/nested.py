"""`council`: another council as a step, with a task, inputs and limits of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import msgspec

from konseho_cli.agents.definition import Id
from konseho_cli.core.units import quantity
from konseho_cli.steps.base import Base, Estimate, StepContext, Template, as_text
from konseho_cli.steps.blocks import check_holder, expanded
from konseho_cli.steps.results import Part, StepResult

Step: TypeAlias = Base
"""Any kind; `steps/union.py` binds the real union."""


class Nested(Base, frozen=True, kw_only=True, tag="council"):
    """Another council runs as a step: it sees the task and the inputs that it is given, no more.

    Its agents and models are its own. The value is `{answer, gate, status}`; `gate` is null where
    it has none. Its own `limits` hold inside of this step's and the run's.
    """

    file: str | None = None
    """A council file, relative to this one and in its folder or below; or a shipped council."""
    council: dict[str, Any] | None = None
    """The council itself, in the place of a file."""
    task: Template | None = None
    """By default the task that its file states, or else this council's."""
    inputs: dict[Id, Any] = msgspec.field(default_factory=dict)
    """Values of its inputs: a text is a template, one lone `{{ expression }}` keeps its type."""

    templates: ClassVar[tuple[str, ...]] = ("task", "inputs")

    @property
    def shows_earlier(self) -> bool:
        """Nothing but what it is given."""
        return False

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset({"answer", "gate", "status"})

    def check(self) -> Mapping[str, str]:
        """One council, and nothing that only a step that asks can have."""
        found = check_holder(self)
        if self.file is None and self.council is None:
            found["file"] = "give the `file` of a council"
        elif self.file is not None and self.council is not None:
            found["council"] = "give a `file` or a `council`, not both"
        return found

    def estimate(self) -> Estimate:
        """That of its steps."""
        steps = self._steps()
        if not steps:
            return Estimate(fewest=1, most=None)
        return sum((step.estimate() for step in steps), Estimate(fewest=0, most=0))

    def _steps(self) -> Sequence[Base]:
        """Those of the council, once its file is read, with the members of its populations."""
        council = self.council or {}
        steps: tuple[Base, ...] = msgspec.convert(
            council.get("steps", ()), tuple[Step, ...], dec_hook=quantity
        )
        members = {
            name: [f"{name}#{at}" for at, _ in enumerate(agent["each"])]
            for name, agent in council.get("agents", {}).items()
            if isinstance(agent, Mapping) and isinstance(agent.get("each"), list)
        }
        return [expanded(step, members) for step in steps] if members else steps

    async def run(self, ctx: StepContext) -> StepResult:
        """Hand over, and give its answer back."""
        task = None if self.task is None else as_text(ctx.evaluate(self.task))
        inputs = {
            name: ctx.evaluate(value) if isinstance(value, str) else value
            for name, value in self.inputs.items()
        }
        held = await ctx.confer(task, inputs)
        return StepResult(
            value={"answer": held.answer, "gate": held.gate, "status": held.status},
            parts=(Part(label="answer", text=as_text(held.answer)),),
            details={"council": held.council, "gate": held.gate},
        )
