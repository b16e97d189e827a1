"""`debate`: agents propose, then revise in rounds in which each sees the others' positions."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import (
    JSON,
    Answer,
    Base,
    Branch,
    Estimate,
    Part,
    Positive,
    StepContext,
    StepResult,
    agent_id,
    as_text,
    check_agents,
)  # fmt: skip
from konseho_cli.steps.wording import word

_SHARED = ("$defs", "definitions")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent holds after a round."""

    agent: str
    value: JSON
    text: str
    agree: bool | None
    """Whether it agrees with all others as they stood; None in a proposal, which saw none."""


class Debate(Base, frozen=True, kw_only=True, tag="debate"):
    """Agents propose in parallel, then revise in rounds in which each sees all positions whole.

    The value is `{positions: {agent: position}, agreed, rounds}`; the positions are the latest.
    """

    agents: tuple[AgentRef, ...]
    rounds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    """Exchanges after the proposals, so that an agent speaks at most `rounds` + 1 times."""
    stop: Literal["rounds", "agreement"] = "rounds"
    """`agreement` ends after the round in which every agent states that it agrees."""
    quorum: Positive | None = None
    """How many must answer in each round. By default all must propose (one under
    `on_error: continue`) and one must be left later. Who fails later keeps its last position,
    is not asked again, and makes the step degraded."""

    names: ClassVar[frozenset[str]] = frozenset({"agent", "round"})

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """All agents."""
        return {"agents": self.agents}

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset({"positions", "agreed", "rounds"})

    def check(self) -> Mapping[str, str]:
        """At least two agents, once each, and enough of them for the quorum; a round or more."""
        found = check_agents(self.agents, self.quorum)
        if len(self.agents) == 1:
            found["agents"] = "a debate needs at least two agents"
        if self.rounds < 1:
            found["rounds"] = "at least one round is needed"
        return found

    def estimate(self) -> Estimate:
        """A proposal each and an answer each a round; the first round may end it."""
        fewest = 1 if self.stop == "agreement" else self.rounds
        count = len(self.agents)
        return Estimate(fewest=count * (1 + fewest), most=count * (1 + self.rounds))

    async def run(self, ctx: StepContext) -> StepResult:
        """Debate until all agree or the rounds are over."""
        ctx.progress("proposals")
        latest = await self._propose(ctx)
        present = [agent for agent in self.agents if agent_id(agent) in latest]
        history = [dict(latest)]
        agreed = False
        # The last one left has nobody to answer to.
        while len(history) <= self.rounds and len(present) > 1:
            number = len(history)
            ctx.progress(f"round {number}")
            spoken = await self._exchange(ctx, number, present, latest)
            latest.update(spoken)
            history.append(spoken)
            present = _still_there(ctx, number, present, spoken)
            agreed = all(position.agree for position in latest.values())
            if self.stop == "agreement" and all(one.agree for one in spoken.values()):
                break
        return _result(latest, agreed, history)

    async def _propose(self, ctx: StepContext) -> dict[str, Position]:
        def branch(ref: AgentRef) -> Branch[Answer]:
            def propose(ctx: StepContext) -> Awaitable[Answer]:
                prompt = word("debate_open", brief=ctx.brief(agent=agent_id(ref), round=0))
                return ctx.ask(ref, prompt, schema=self.schema, label="proposal")

            return propose

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in self.agents}, quorum=self.quorum
        )
        return {
            name: Position(agent=name, value=answer.value, text=as_text(answer.value), agree=None)
            for name, answer in gathered.done.items()
        }

    async def _exchange(
        self,
        ctx: StepContext,
        number: int,
        present: Sequence[AgentRef],
        latest: Mapping[str, Position],
    ) -> dict[str, Position]:
        """One round: everybody who is there sees the same positions and answers at once."""
        shown = {name: _shown(position) for name, position in latest.items()}
        schema = round_schema(self.schema)

        def branch(ref: AgentRef) -> Branch[Answer]:
            def revise(ctx: StepContext) -> Awaitable[Answer]:
                prompt = self._round_prompt(ctx, number, latest[agent_id(ref)], shown)
                return ctx.ask(ref, prompt, schema=schema, turn=number, label=f"round {number}")

            return revise

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in present}, quorum=self.quorum or 1
        )
        return {name: _position(name, answer.value) for name, answer in gathered.done.items()}

    def _round_prompt(
        self, ctx: StepContext, number: int, own: Position, shown: Mapping[str, str]
    ) -> str:
        positions = {**shown, own.agent: _shown(own, own=True)}
        return word(
            "debate_round",
            brief=ctx.brief(agent=own.agent, round=number),
            round=number,
            rounds=self.rounds,
            positions="\n".join(positions.values()),
        )


def _shown(position: Position, *, own: bool = False) -> str:
    """A position as a prompt shows it: written once for all but its own agent."""
    return word("position", agent=position.agent, text=position.text, own=own)


def round_schema(position: Mapping[str, JSON] | None) -> dict[str, Any]:
    """What a round's answer must meet: a position of the user's shape, and whether it agrees."""
    shape = dict(position) if position is not None else {"type": "string"}
    # A reference starts at the root of the whole document, so what it points at moves there.
    shared = {key: shape.pop(key) for key in _SHARED if key in shape}
    return {
        "type": "object",
        "properties": {"position": shape, "agree": {"type": "boolean"}},
        "required": ["position", "agree"],
        "additionalProperties": False,
        **shared,
    }


def _position(agent: str, value: JSON) -> Position:
    held = value["position"]
    return Position(agent=agent, value=held, text=as_text(held), agree=value["agree"])


def _still_there(
    ctx: StepContext, number: int, present: Sequence[AgentRef], spoken: Mapping[str, Position]
) -> list[AgentRef]:
    for ref in present:
        if agent_id(ref) not in spoken:
            before = "its proposal" if number == 1 else f"its position of round {number - 1}"
            ctx.degrade(f"{agent_id(ref)} left the debate in round {number} and keeps {before}")
    return [ref for ref in present if agent_id(ref) in spoken]


def _result(
    latest: Mapping[str, Position], agreed: bool, history: Sequence[Mapping[str, Position]]
) -> StepResult:
    return StepResult(
        value={
            "positions": {name: position.value for name, position in latest.items()},
            "agreed": agreed,
            "rounds": len(history) - 1,
        },
        parts=tuple(Part(label=name, text=position.text) for name, position in latest.items()),
        details={
            "agreed": agreed,
            "rounds": [
                {
                    name: {"position": position.value, "agree": position.agree}
                    for name, position in spoken.items()
                }
                for spoken in history
            ],
        },
    )
