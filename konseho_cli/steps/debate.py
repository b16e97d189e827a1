"""`debate`: agents propose, then revise in rounds in which each sees the others' positions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from konseho_cli.agents.definition import AgentRef, AgentRefs
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
    Template,
    agent_id,
    as_text,
    check_agents,
)  # fmt: skip
from konseho_cli.steps.crowd import dealt, in_order, state_of
from konseho_cli.steps.wording import word

_SHARED = ("$defs", "definitions")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent holds after a round."""

    agent: str
    value: JSON
    text: str
    agree: bool | None
    """Whether it agrees with all others as they stood; None in a proposal, which saw none."""


class Debated(msgspec.Struct, frozen=True, kw_only=True):
    """How a debate ended, of all or of one group."""

    latest: Mapping[str, Position]
    agreed: bool
    history: Sequence[Mapping[str, Position]]
    """What was said in each round, the proposals first."""


class Debate(Base, frozen=True, kw_only=True, tag="debate"):
    """Agents propose in parallel, then revise in rounds in which each sees all positions whole.

    The value is `{positions: {agent: position}, agreed, rounds}`; the positions are the latest.
    With `groups` it has `groups` as well, each `{agents, positions, agreed}`.
    """

    agents: AgentRefs
    rounds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    """Exchanges after the proposals, so that an agent speaks at most `rounds` + 1 times."""
    stop: Literal["rounds", "agreement"] = "rounds"
    """`agreement` ends after the round in which every agent states that it agrees."""
    quorum: Positive | None = None
    """How many must answer in each round. By default all must propose (one under
    `on_error: continue`) and one must be left later. Who fails later keeps its last position,
    is not asked again, and makes the step degraded."""

    groups: Annotated[int, msgspec.Meta(ge=2)] | None = None
    """Agents in a group: each group debates on its own, all at the same time, and sees only its
    own positions. By default all debate with all."""
    deal: Literal["order", "random"] = "order"
    """How groups are filled: one after the other, or as the seed draws."""
    batch: Positive | None = None
    """How many are asked at a time; with `groups`, of as many groups as that makes."""
    order: Template | None = None
    """Whose turn comes first: a number or text for each agent, such as `{{ item.urgency }}`; the
    lowest first. Groups are filled in this order, too."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "order")
    names: ClassVar[frozenset[str]] = frozenset({"agent", "round", "item"})
    lists: ClassVar[tuple[str, ...]] = ("agents",)

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """All agents."""
        return {"agents": self.agents}

    def own_names(self, field: str) -> frozenset[str]:
        """An order is made agent by agent."""
        return frozenset({"agent", "item"}) if field == "order" else super().own_names(field)

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        own = {"positions", "agreed", "rounds"}
        return frozenset(own if self.groups is None else own | {"groups"})

    def check(self) -> Mapping[str, str]:
        """At least two agents, once each, and enough of them for the quorum; a round or more."""
        found = check_agents(self.agents, self.quorum)
        if len(self.agents) == 1:
            found["agents"] = "a debate needs at least two agents"
        if self.rounds < 1:
            found["rounds"] = "at least one round is needed"
        if self.groups is None:
            if self.deal != "order":
                found["deal"] = "nothing is dealt: set `groups`"
            if self.order is not None and self.batch is None:
                found["order"] = (
                    "all are asked at once: only with a `batch` does anybody come first"
                )
        elif not found and self.quorum is not None:
            fewest = min(map(len, dealt(self.agents, self.groups, None)))
            if self.quorum > fewest:
                found["quorum"] = (
                    f"{self.quorum} is above the agents of the smallest group, {fewest}"
                )
        return found

    def estimate(self) -> Estimate:
        """A proposal each and an answer each a round; the first round may end it."""
        fewest = 1 if self.stop == "agreement" else self.rounds
        count = len(self.agents)
        return Estimate(fewest=count * (1 + fewest), most=count * (1 + self.rounds))

    async def run(self, ctx: StepContext) -> StepResult:
        """Debate until all agree or the rounds are over."""
        agents = in_order(ctx, self.agents, self.order)
        if self.groups is not None:
            return await self._in_groups(ctx, agents, self.groups)
        return _result(await self._debate(ctx, agents, ctx.progress, self.batch))

    async def _in_groups(
        self, ctx: StepContext, agents: Sequence[AgentRef], size: int
    ) -> StepResult:
        groups = dealt(agents, size, ctx.random if self.deal == "random" else None)
        over = 0

        def branch(group: Sequence[AgentRef]) -> Branch[Debated]:
            async def debate(ctx: StepContext) -> Debated:
                nonlocal over
                debated = await self._debate(ctx, group, lambda note: None, None)
                over += 1
                ctx.progress(f"{over:,} of {len(groups):,} groups")
                return debated

            return debate

        ctx.progress(f"{len(groups):,} groups")
        gathered = await ctx.gather(
            {f"group {number}": branch(group) for number, group in enumerate(groups, 1)},
            batch=None if self.batch is None else max(1, self.batch // len(groups[0])),
        )
        return _grouped(list(gathered.done.values()))

    async def _debate(
        self,
        ctx: StepContext,
        agents: Sequence[AgentRef],
        progress: Callable[[str], None],
        batch: int | None,
    ) -> Debated:
        """One debate, of all or of a group."""
        progress("proposals")
        latest = await self._propose(ctx, agents, batch)
        present = [agent for agent in agents if agent_id(agent) in latest]
        history = [dict(latest)]
        agreed = False
        # The last one left has nobody to answer to.
        while len(history) <= self.rounds and len(present) > 1:
            number = len(history)
            progress(f"round {number}")
            spoken = await self._exchange(ctx, number, present, latest, batch)
            latest.update(spoken)
            history.append(spoken)
            present = _still_there(ctx, number, present, spoken)
            agreed = all(position.agree for position in latest.values())
            if self.stop == "agreement" and all(one.agree for one in spoken.values()):
                break
        return Debated(latest=latest, agreed=agreed, history=history)

    async def _propose(
        self, ctx: StepContext, agents: Sequence[AgentRef], batch: int | None
    ) -> dict[str, Position]:
        def branch(ref: AgentRef) -> Branch[Answer]:
            def propose(ctx: StepContext) -> Awaitable[Answer]:
                prompt = word("debate_open", brief=_brief(ctx, ref, 0))
                return ctx.ask(ref, prompt, schema=self.schema, label="proposal")

            return propose

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in agents}, quorum=self.quorum, batch=batch
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
        batch: int | None,
    ) -> dict[str, Position]:
        """One round: everybody who is there sees the same positions and answers at once."""
        seen = dict(latest)
        schema = round_schema(self.schema)

        def branch(ref: AgentRef) -> Branch[Answer]:
            def revise(ctx: StepContext) -> Awaitable[Answer]:
                prompt = self._round_prompt(ctx, number, ref, seen)
                return ctx.ask(ref, prompt, schema=schema, turn=number, label=f"round {number}")

            return revise

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in present}, quorum=self.quorum or 1, batch=batch
        )
        return {name: _position(name, answer.value) for name, answer in gathered.done.items()}

    def _round_prompt(
        self, ctx: StepContext, number: int, ref: AgentRef, seen: Mapping[str, Position]
    ) -> str:
        return word(
            "debate_round",
            brief=_brief(ctx, ref, number),
            round=number,
            rounds=self.rounds,
            positions=[
                {"agent": name, "text": position.text, "own": name == agent_id(ref)}
                for name, position in seen.items()
            ],
        )


def _brief(ctx: StepContext, ref: AgentRef, number: int) -> str:
    return ctx.brief(agent=agent_id(ref), round=number, item=state_of(ctx, ref))


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


def _result(debated: Debated) -> StepResult:
    latest, history = debated.latest, debated.history
    return StepResult(
        value={
            "positions": {name: position.value for name, position in latest.items()},
            "agreed": debated.agreed,
            "rounds": len(history) - 1,
        },
        parts=tuple(Part(label=name, text=position.text) for name, position in latest.items()),
        details={
            "agreed": debated.agreed,
            "rounds": [
                {
                    name: {"position": position.value, "agree": position.agree}
                    for name, position in spoken.items()
                }
                for spoken in history
            ],
        },
    )


def _grouped(groups: Sequence[Debated]) -> StepResult:
    """All groups as one debate, and each for itself."""
    together: list[dict[str, Position]] = []
    for group in groups:
        for number, spoken in enumerate(group.history):
            if number == len(together):
                together.append({})
            together[number].update(spoken)
    latest = {name: position for group in groups for name, position in group.latest.items()}
    agreed = all(group.agreed for group in groups)
    whole = _result(Debated(latest=latest, agreed=agreed, history=together))
    each = [
        {
            "agents": list(group.latest),
            "positions": {name: position.value for name, position in group.latest.items()},
            "agreed": group.agreed,
        }
        for group in groups
    ]
    told = [
        {"agents": list(group.latest), "agreed": group.agreed, "rounds": len(group.history) - 1}
        for group in groups
    ]
    return msgspec.structs.replace(
        whole, value={**whole.value, "groups": each}, details={**whole.details, "groups": told}
    )
