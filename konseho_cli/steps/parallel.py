"""`parallel`: several agents answer the same question at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from konseho_cli.agents.definition import AgentRef, AgentRefs
from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    Estimate,
    Positive,
    StepContext,
    Template,
    Wait,
    agent_id,
)
from konseho_cli.steps.crowd import in_order, state_of
from konseho_cli.steps.listed import check_agents, check_order
from konseho_cli.steps.results import Answer, Gathered, Part, StepResult


class Parallel(Base, frozen=True, kw_only=True, tag="parallel"):
    """Several agents answer the same question at the same time, unseen by each other."""

    agents: AgentRefs
    quorum: Positive | None = None
    """How many must succeed; by default all, or one under `on_error: continue`."""
    wait: Wait = "all"
    """`quorum` goes on at the quorum and cancels the rest."""
    batch: Positive | None = None
    """How many are asked at a time; whoever answers lets in the next."""
    order: Template | None = None
    """Whose turn comes first: a number or text for each agent, such as `{{ item.urgency }}`; the
    lowest first."""
    until: Template | None = None
    """A boolean over the `answers` so far, agent to answer, such as
    `{{ answers | length >= 200 }}`: once it is true, nobody else is asked."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "order", "until")
    names: ClassVar[frozenset[str]] = frozenset({"agent", "item"})
    lists: ClassVar[tuple[str, ...]] = ("agents",)

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """All agents."""
        return {"agents": self.agents}

    def own_names(self, field: str) -> frozenset[str]:
        """An order is made agent by agent, and what is enough of the answers."""
        if field == "until":
            return frozenset({"answers"})
        return frozenset({"agent", "item"}) if field == "order" else super().own_names(field)

    def keys(self) -> frozenset[str]:
        """The agents: the value is agent → answer."""
        return frozenset(agent_id(ref) for ref in self.agents)

    def check(self) -> Mapping[str, str]:
        """Agents are there, once each, and enough of them for the quorum."""
        found = check_agents(self.agents, self.quorum)
        if self.wait == "quorum" and self.quorum is None:
            found["wait"] = "`wait: quorum` needs a `quorum`"
        return found | check_order(self.order, self.batch)

    def estimate(self) -> Estimate:
        """One call an agent; fewer, where the rest of a queue may not be needed."""
        count = fewest = len(self.agents)
        if self.batch is not None and (self.until is not None or self.wait == "quorum"):
            fewest = min(count, max(self.batch, self.quorum or 1))
        return Estimate(fewest=fewest, most=count)

    async def run(self, ctx: StepContext) -> StepResult:
        """Ask all, or as many as are needed; the value is agent → answer."""

        def branch(ref: AgentRef) -> Branch[Answer]:
            def ask(ctx: StepContext) -> Awaitable[Answer]:
                brief = ctx.brief(agent=agent_id(ref), item=state_of(ctx, ref))
                return ctx.ask(ref, brief, schema=self.schema)

            return ask

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in in_order(ctx, self.agents, self.order)},
            quorum=self.quorum, wait=self.wait, batch=self.batch,
            enough=None if self.until is None else _until(ctx, self.until),
        )  # fmt: skip
        answers = [
            gathered.done[name] for name in map(agent_id, self.agents) if name in gathered.done
        ]
        return StepResult(
            value={answer.agent: answer.value for answer in answers},
            parts=tuple(Part(label=answer.agent, text=answer.text) for answer in answers),
            details=self._not_needed(gathered),
        )

    def _not_needed(self, gathered: Gathered[Answer]) -> Mapping[str, JSON]:
        """How many were asked for nothing, and how many were not asked."""
        answered, failed = len(gathered.done), len(gathered.failed)
        unheard = len(self.agents) - answered - failed
        if not unheard:
            return {}
        return {
            "answered": answered,
            "cancelled": unheard - gathered.not_started,
            "not_asked": gathered.not_started,
        }


def _until(ctx: StepContext, until: Template) -> Callable[[Mapping[str, Answer]], bool]:
    """Whether the answers so far are enough. Raises StepFailed."""
    answers: dict[str, Any] = {}

    def enough(done: Mapping[str, Answer]) -> bool:
        answers.update((name, done[name].value) for name in islice(done, len(answers), None))
        found = ctx.evaluate(until, answers=answers)
        if not isinstance(found, bool):
            raise StepFailed(ctx.step, f"`until` must be true or false, not {found!r:.60}")
        return found

    return enough
