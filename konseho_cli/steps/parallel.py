"""`parallel`: several agents answer the same question at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import ClassVar

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import (
    Answer,
    Base,
    Branch,
    Estimate,
    Part,
    Positive,
    StepContext,
    StepResult,
    Wait,
    agent_id,
)  # fmt: skip
from konseho_cli.steps.listed import check_agents


class Parallel(Base, frozen=True, kw_only=True, tag="parallel"):
    """Several agents answer the same question at the same time, unseen by each other."""

    agents: tuple[AgentRef, ...]
    quorum: Positive | None = None
    """How many must succeed; by default all, or one under `on_error: continue`."""
    wait: Wait = "all"
    """`quorum` goes on at the quorum and cancels the rest."""

    names: ClassVar[frozenset[str]] = frozenset({"agent"})

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """All agents."""
        return {"agents": self.agents}

    def keys(self) -> frozenset[str]:
        """The agents: the value is agent → answer."""
        return frozenset(agent_id(ref) for ref in self.agents)

    def check(self) -> Mapping[str, str]:
        """Agents are there, once each, and enough of them for the quorum."""
        found = check_agents(self.agents, self.quorum)
        if self.wait == "quorum" and self.quorum is None:
            found["wait"] = "`wait: quorum` needs a `quorum`"
        return found

    def estimate(self) -> Estimate:
        """One call an agent."""
        return Estimate(fewest=len(self.agents), most=len(self.agents))

    async def run(self, ctx: StepContext) -> StepResult:
        """Ask all at once; the value is agent → answer."""

        def branch(ref: AgentRef) -> Branch[Answer]:
            def ask(ctx: StepContext) -> Awaitable[Answer]:
                return ctx.ask(ref, ctx.brief(agent=agent_id(ref)), schema=self.schema)

            return ask

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in self.agents}, quorum=self.quorum, wait=self.wait
        )
        answers = gathered.done.values()
        return StepResult(
            value={answer.agent: answer.value for answer in answers},
            parts=tuple(Part(label=answer.agent, text=answer.text) for answer in answers),
        )
