"""`loop`: steps that run again and again, until something holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeAlias

import msgspec

from konseho_cli.core.errors import TemplateFailed
from konseho_cli.steps.base import Base, Estimate, StepContext, Template
from konseho_cli.steps.blocks import check_holder, shape_of_block
from konseho_cli.steps.results import Part, Ran, StepResult
from konseho_cli.steps.shapes import ANYTHING, Shape, flat

Step: TypeAlias = Base
"""Any kind; `steps/union.py` binds the real union."""


class Loop(Base, frozen=True, kw_only=True, tag="loop"):
    """Steps run again and again, until `until` holds, `max` times at most.

    They may read `iteration`, which counts from 1, and `previous`, the values of the iteration
    before by step (null in the first). The value is `{last, iterations, count, done}`.
    """

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    """What runs each time. They read each other, and what is around the loop."""
    until: Template | None = None
    """A boolean expression, which may read the steps of the loop: true ends it after that
    iteration. Without it the loop runs `max` times."""
    max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    """Iterations at most; one that is still not done then is degraded."""

    templates: ClassVar[tuple[str, ...]] = ()
    block_names: ClassVar[frozenset[str]] = frozenset({"iteration", "previous"})

    @property
    def shows_earlier(self) -> bool:
        """Its steps do."""
        return False

    def blocks(self) -> Mapping[str, Sequence[Base]]:
        """The one block."""
        return {"steps": self.steps}

    def with_blocks(self, blocks: Mapping[str, Sequence[Base]]) -> Self:
        """With other steps."""
        return msgspec.structs.replace(self, steps=tuple(blocks["steps"]))

    def inner_templates(self) -> Mapping[str, tuple[Template, str]]:
        """`until` reads the steps of the block."""
        return {} if self.until is None else {"until": (self.until, "steps")}

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset({"last", "iterations", "count", "done"})

    def shape(self) -> Shape:
        """With the steps of the last iteration."""
        return Shape(
            keys={**dict.fromkeys(self.keys(), ANYTHING), "last": shape_of_block(self.steps)}
        )

    def block_shapes(self) -> Mapping[str, Shape]:
        """The steps of the iteration before."""
        return {"iteration": ANYTHING, "previous": flat(step.id for step in self.steps)}

    def check(self) -> Mapping[str, str]:
        """Nothing that only a step that asks can have."""
        return check_holder(self)

    def estimate(self) -> Estimate:
        """That of its steps, once or `max` times."""
        once = sum((step.estimate() for step in self.steps), Estimate(fewest=0, most=0))
        times = self.max if self.until is None else 1
        most = None if once.most is None else once.most * self.max
        return Estimate(fewest=once.fewest * times, most=most)

    async def run(self, ctx: StepContext) -> StepResult:
        """Run the steps until it is enough."""
        ran: list[Ran] = []
        done = False
        while not done and len(ran) < self.max:
            number = len(ran) + 1
            ctx.progress(f"iteration {number}")
            names = {"iteration": number, "previous": self._previous(ran)}
            ran.append(await ctx.run("steps", iteration=number, names=names, earlier=_said(ran)))
            done = self._is_done(ctx, {**names, **ran[-1].values})
        if self.until is None:
            done = True
        elif not done:
            ctx.degrade(f"`until` did not hold after {len(ran)} iterations")
        return _result(ran, done=done)

    def _previous(self, ran: Sequence[Ran]) -> Mapping[str, Any]:
        return ran[-1].values if ran else {step.id: None for step in self.steps}

    def _is_done(self, ctx: StepContext, names: Mapping[str, Any]) -> bool:
        if self.until is None:
            return False
        done = ctx.evaluate(self.until, **names)
        if not isinstance(done, bool):
            raise TemplateFailed(f"`until` must be true or false, not {done!r:.60}")
        return done


def _said(ran: Sequence[Ran]) -> tuple[Part, ...]:
    """What the iteration before said, for prompts that show what was said earlier."""
    if not ran:
        return ()
    return tuple(
        Part(label=f"iteration {len(ran)}: {part.label}", text=part.text) for part in ran[-1].parts
    )


def _result(ran: Sequence[Ran], *, done: bool) -> StepResult:
    return StepResult(
        value={
            "last": dict(ran[-1].values),
            "iterations": [dict(one.values) for one in ran],
            "count": len(ran),
            "done": done,
        },
        parts=ran[-1].parts,
        details={"done": done, "count": len(ran)},
    )
