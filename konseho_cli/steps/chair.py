"""`chair`: one agent weighs everything that was said and writes the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import Base, Estimate, StepContext
from konseho_cli.steps.results import Part, StepResult
from konseho_cli.steps.wording import word


class Chair(Base, frozen=True, kw_only=True, tag="chair"):
    """One agent weighs everything that was said and writes the result."""

    agent: AgentRef

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """The chair."""
        return {"agent": (self.agent,)}

    def estimate(self) -> Estimate:
        """One call."""
        return Estimate(fewest=1, most=1)

    async def run(self, ctx: StepContext) -> StepResult:
        """Ask for the result; with a `prompt` of the user's own, in exactly these words."""
        brief = ctx.brief()
        prompt = brief if self.prompt is not None else word("chair", brief=brief)
        answer = await ctx.ask(self.agent, prompt, schema=self.schema)
        return StepResult(value=answer.value, parts=(Part(label=answer.agent, text=answer.text),))
