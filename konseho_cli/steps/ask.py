"""`ask`: one agent answers once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import Base, Estimate, StepContext
from konseho_cli.steps.results import Part, StepResult


class Ask(Base, frozen=True, kw_only=True, tag="ask"):
    """One agent answers once."""

    agent: AgentRef

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """The one agent."""
        return {"agent": (self.agent,)}

    def estimate(self) -> Estimate:
        """One call."""
        return Estimate(fewest=1, most=1)

    async def run(self, ctx: StepContext) -> StepResult:
        """Ask, and give the answer back as it is."""
        answer = await ctx.ask(self.agent, ctx.brief(), schema=self.schema)
        return StepResult(value=answer.value, parts=(Part(label=answer.agent, text=answer.text),))
