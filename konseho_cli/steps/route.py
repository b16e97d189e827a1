"""`route`: an agent or an expression chooses which of several branches of steps run."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import ClassVar, Self, TypeAlias

import msgspec

from konseho_cli.agents.definition import AgentRef, Id
from konseho_cli.core.errors import ModelError, OwnLimitReached, StepFailed
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.steps.base import JSON, Base, Branch, Estimate, Positive, StepContext, Template
from konseho_cli.steps.blocks import check_holder, shape_of_block
from konseho_cli.steps.choosing import Choice, NoChoice, choice_schema, read_answer, read_value
from konseho_cli.steps.results import Part, Ran, StepResult
from konseho_cli.steps.shapes import ANYTHING, Shape
from konseho_cli.steps.wording import word

Step: TypeAlias = Base
"""Any kind; `steps/union.py` binds the real union."""
NOTHING = Estimate(fewest=0, most=0)


class Route(Base, frozen=True, kw_only=True, tag="route"):
    """An agent or an expression chooses which branches of steps run; the others are skipped.

    The value is `{chosen, reason, answer, branches}`: `branches.NAME.STEP` is the output of a step,
    null in a branch that was not taken; `answer` is that of the last step of the branch taken, by
    branch where `most` is above 1.
    """

    branches: dict[Id, tuple[Step, ...]]
    """Lists of steps by name; an empty one does nothing. Steps of one branch read each other, and
    what is around the route; whoever comes after reads `{{ route.branches.NAME.STEP }}`."""
    about: dict[Id, str] = msgspec.field(default_factory=dict)
    """What each branch is for, by name: the agent who chooses reads it."""
    agent: AgentRef | None = None
    """Who chooses, knowing the names and what each is `about`; or `choose`."""
    choose: Template | None = None
    """An expression that gives the name of a branch, a list of names, or null for none."""
    most: Positive = 1
    """How many branches may be taken; they run at the same time."""
    default: Id | None = None
    """Taken where `choose` gives null or an unknown name, or where the agent fails."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "choose")

    @property
    def shows_earlier(self) -> bool:
        """To the agent who chooses."""
        return self.agent is not None and self.prompt is None

    def blocks(self) -> Mapping[str, Sequence[Base]]:
        """A block a branch."""
        return {f"branches.{name}": steps for name, steps in self.branches.items()}

    def with_blocks(self, blocks: Mapping[str, Sequence[Base]]) -> Self:
        """With other steps in the branches."""
        changed = {name: tuple(blocks[f"branches.{name}"]) for name in self.branches}
        return msgspec.structs.replace(self, branches=changed)

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """Who chooses, where it is an agent."""
        return {} if self.agent is None else {"agent": (self.agent,)}

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset({"chosen", "reason", "answer", "branches"})

    def shape(self) -> Shape:
        """With the steps of every branch, each of which may be skipped."""
        known = {name: shape_of_block(steps, skipped=True) for name, steps in self.branches.items()}
        return Shape(keys={**dict.fromkeys(self.keys(), ANYTHING), "branches": Shape(keys=known)})

    def check(self) -> Mapping[str, str]:
        """One who chooses, branches to choose from, and a default that is one of them."""
        found: dict[str, str] = {}
        if self.agent is None:
            found |= check_holder(self)
        elif self.output is not None:
            found["output"] = "the branches give its answer a shape: set it on their steps"
        if (self.agent is None) == (self.choose is None):
            what = "either an `agent` chooses or an expression does"
            where = "agent" if self.agent is None else "choose"
            found[where] = f"{what}, not both" if self.agent else f"{what}: add `agent` or `choose`"
        return found | self._check_branches()

    def _check_branches(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if not self.branches:
            found["branches"] = "at least one is needed"
        elif any(name.endswith("\n") for name in self.branches):
            found["branches"] = "an id has no line break"
        elif self.most > len(self.branches):
            found["most"] = f"{self.most} is above the number of branches, {len(self.branches)}"
        for name in self.about:
            if name not in self.branches:
                found["about"] = self._unknown(name)
        if self.about and self.agent is None:
            found["about"] = "nobody reads it: no agent chooses"
        if self.default is not None and self.default not in self.branches:
            found["default"] = self._unknown(self.default)
        return found

    def _unknown(self, name: str) -> str:
        near = did_you_mean(name, self.branches)
        listed = near or f"the branches are: {', '.join(self.branches)}"
        return f"there is no branch '{name}' ({listed})"

    def estimate(self) -> Estimate:
        """The agent's call, and from the cheapest branch to the `most` dearest together."""
        asked = 0 if self.agent is None else 1
        each = [
            sum((step.estimate() for step in steps), NOTHING) for steps in self.branches.values()
        ]
        none = self.agent is None and self.default is None
        fewest = 0 if none else min((one.fewest for one in each), default=0)
        known = [one.most for one in each if one.most is not None]
        most = sum(sorted(known)[-self.most :]) if len(known) == len(each) else None
        return Estimate(fewest=asked + fewest, most=None if most is None else asked + most)

    async def run(self, ctx: StepContext) -> StepResult:
        """Choose, skip what is not taken, and run what is."""
        choice = await self._choice(ctx)
        if choice.unmet:
            taken = ", ".join(choice.names)
            ctx.degrade(f"{choice.unmet}: {taken or 'nothing'} is taken instead")
        ctx.progress(", ".join(choice.names) or "no branch")
        ran = {
            name: ctx.skip(f"branches.{name}", "not taken")
            for name in self.branches
            if name not in choice.names
        }
        ran |= await self._run_chosen(ctx, choice)
        return self._result(choice, ran)

    async def _choice(self, ctx: StepContext) -> Choice:
        try:
            if self.agent is None:
                value = ctx.evaluate(self.choose or "")
                return read_value(value, self.branches, self.most, self.default)
            return await self._ask(ctx, self.agent)
        except NoChoice as error:
            raise StepFailed(
                ctx.step, str(error), hint="a `default` is taken where the name is unknown"
            ) from None
        except (ModelError, OwnLimitReached) as error:
            if self.default is None:
                raise
            return Choice(names=(self.default,), unmet=f"nobody chose: {error}")

    async def _ask(self, ctx: StepContext, agent: AgentRef) -> Choice:
        listed = [
            {"name": name, "about": self.about.get(name, "").strip()} for name in self.branches
        ]
        prompt = word("route", brief=ctx.brief(), branches=listed, most=self.most)
        schema = choice_schema(list(self.branches), self.most)
        answer = await ctx.ask(agent, prompt, schema=schema)
        return read_answer(answer.value, self.branches)

    async def _run_chosen(self, ctx: StepContext, choice: Choice) -> Mapping[str, Ran]:
        said = (Part(label="why this way", text=choice.reason),) if choice.reason else ()

        def branch(name: str) -> Branch[Ran]:
            def run(ctx: StepContext) -> Awaitable[Ran]:
                return ctx.run(f"branches.{name}", earlier=said)

            return run

        if self.most == 1:
            return {name: await branch(name)(ctx) for name in choice.names}
        gathered = await ctx.gather({name: branch(name) for name in choice.names})
        lost = {name: _null(self.branches[name]) for name in gathered.failed}
        return {**gathered.done, **lost}

    def _result(self, choice: Choice, ran: Mapping[str, Ran]) -> StepResult:
        answers = {name: ran[name].last for name in choice.names}
        answer: JSON = answers if self.most > 1 else next(iter(answers.values()), None)
        return StepResult(
            value={
                "chosen": list(choice.names),
                "reason": choice.reason,
                "answer": answer,
                "branches": {name: dict(ran[name].values) for name in self.branches},
            },
            parts=tuple(
                Part(label=f"{name}: {part.label}", text=part.text)
                for name in choice.names
                for part in ran[name].parts
            ),
            details={"chosen": list(choice.names), "reason": choice.reason},
        )


def _null(steps: Sequence[Base]) -> Ran:
    """What a branch comes to that failed where the others are enough."""
    return Ran(values={step.id: None for step in steps}, parts=())
