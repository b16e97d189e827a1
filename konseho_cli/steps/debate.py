"""`debate`: agents propose, then revise in rounds in which each sees the others' positions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from konseho_cli.agents.definition import AgentRef, AgentRefs
from konseho_cli.agents.rota import Pick
from konseho_cli.core.errors import ModelError, StepFailed
from konseho_cli.steps.accounts import SCHEMA, Account, read_account
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    Estimate,
    Positive,
    StepContext,
    Template,
    agent_id,
    as_text,
)
from konseho_cli.steps.crowd import dealt, in_order, state_of
from konseho_cli.steps.listed import check_agents, check_order
from konseho_cli.steps.moderators import (
    MODERATOR,
    Moderators,
    ask_one,
    check_moderators,
    moderators_of,
)
from konseho_cli.steps.positions import Held, Position, grouped, record, result
from konseho_cli.steps.results import Answer, StepResult
from konseho_cli.steps.wording import word

_SHARED = ("$defs", "definitions")


class Debate(Base, frozen=True, kw_only=True, tag="debate"):
    """Agents propose in parallel, then revise in rounds in which each sees all positions whole.

    The value is `{positions: {agent: position}, agreed, rounds}`; the positions are the latest. With
    a moderator it has its last `account` as well: `{agreed, summary, open_points}`; with `groups`
    these, each `{agents, positions, agreed}`.
    """

    agents: AgentRefs
    rounds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    """Exchanges after the proposals, so that an agent speaks at most `rounds` + 1 times."""
    stop: Literal["rounds", "agreement", "moderator"] = "rounds"
    """`agreement` ends after the round in which every agent states that it agrees, `moderator` once
    the moderator says that they do."""
    quorum: Positive | None = None
    """How many must answer in each round. By default all must propose (one under
    `on_error: continue`) and one must be left later. Who fails later keeps its last position,
    is not asked again, and makes the step degraded."""
    moderator: AgentRef | None = None
    """Says after the proposals and after each round where the debate stands and what is open, which
    the next round sees. It holds no position of its own."""
    moderators: tuple[AgentRef, ...] = ()
    """A pool in the place of one moderator: each account is one's of them, and the next one's where
    it fails. All steps that name the same list share the turns."""
    pick: Pick = "round_robin"
    """Which of the `moderators`: round_robin, each in turn; load, who has fewest questions under
    way."""
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
        """All agents, and the moderators if there are any."""
        found = {"agents": self.agents}
        if self.moderator is not None:
            found["moderator"] = (self.moderator,)
        if self.moderators:
            found["moderators"] = self.moderators
        return found

    @property
    def _moderators(self) -> Moderators | None:
        return moderators_of(self.moderator, self.moderators, self.pick)

    def own_names(self, field: str) -> frozenset[str]:
        """An order is made agent by agent."""
        return frozenset({"agent", "item"}) if field == "order" else super().own_names(field)

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        keys = frozenset({"positions", "agreed", "rounds"})
        if self.groups is not None:
            return keys | {"groups"}
        return keys if self._moderators is None else keys | {"account"}

    def check(self) -> Mapping[str, str]:
        """At least two agents, once each, and enough of them for the quorum; a round or more.

        A moderator where one ends it, who takes no part.
        """
        found = check_agents(self.agents, self.quorum)
        found |= check_moderators(self.moderator, self.moderators)
        moderators = self._moderators
        if moderators is None and self.stop == "moderator":
            found["stop"] = "`stop: moderator` needs a moderator"
        agents = {agent_id(ref) for ref in self.agents}
        if moderators is not None and (both := sorted(agents & set(moderators.ids))):
            field = "moderators" if self.moderators else "moderator"
            found[field] = f"'{both[0]}' takes part in the debate: it cannot moderate it"
        if len(self.agents) == 1:
            found["agents"] = "a debate needs at least two agents"
        if self.rounds < 1:
            found["rounds"] = "at least one round is needed"
        return found | self._check_groups(found)

    def _check_groups(self, wrong: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.groups is None:
            if self.deal != "order":
                found["deal"] = "nothing is dealt: set `groups`"
            found |= check_order(self.order, self.batch)
        elif self._moderators is not None:
            found["groups"] = "groups have no moderator"
        elif not wrong and self.quorum is not None:
            fewest = min(map(len, dealt(self.agents, self.groups, None)))
            if self.quorum > fewest:
                found["quorum"] = (
                    f"{self.quorum} is above the agents of the smallest group, {fewest}"
                )
        return found

    def estimate(self) -> Estimate:
        """A proposal each and an answer each a round; where it may end early, the least of it."""
        fewest = {"rounds": self.rounds, "agreement": 1, "moderator": 0}[self.stop]
        each = len(self.agents) + (self._moderators is not None)
        return Estimate(fewest=each * (1 + fewest), most=each * (1 + self.rounds))

    async def run(self, ctx: StepContext) -> StepResult:
        """Debate until all agree or the rounds are over."""
        agents = in_order(ctx, self.agents, self.order)
        if self.groups is not None:
            return await self._in_groups(ctx, agents, self.groups)
        held = await self._debate(ctx, agents, ctx.progress, self.batch)
        return result(held, by_moderator=self.stop == "moderator")

    async def _in_groups(
        self, ctx: StepContext, agents: Sequence[AgentRef], size: int
    ) -> StepResult:
        groups = dealt(agents, size, ctx.random if self.deal == "random" else None)
        over = 0

        def branch(group: Sequence[AgentRef]) -> Branch[Held]:
            async def debate(ctx: StepContext) -> Held:
                nonlocal over
                held = await self._debate(ctx, group, lambda note: None, None)
                over += 1
                ctx.progress(f"{over:,} of {len(groups):,} groups")
                return held

            return debate

        ctx.progress(f"{len(groups):,} groups")
        gathered = await ctx.gather(
            {f"group {number}": branch(group) for number, group in enumerate(groups, 1)},
            batch=None if self.batch is None else max(1, self.batch // len(groups[0])),
        )
        return grouped(list(gathered.done.values()))

    async def _debate(
        self,
        ctx: StepContext,
        agents: Sequence[AgentRef],
        progress: Callable[[str], None],
        batch: int | None,
    ) -> Held:
        """One debate, of all or of a group."""
        progress("proposals")
        latest = await self._propose(ctx, agents, batch)
        held = Held(latest=latest, history=[dict(latest)])
        present = [agent for agent in agents if agent_id(agent) in latest]
        await self._moderate(ctx, held)
        # The last one left has nobody to answer to.
        while held.rounds < self.rounds and len(present) > 1 and not self._is_over(held):
            number = held.rounds + 1
            progress(f"round {number}")
            spoken = await self._exchange(ctx, number, present, held, batch)
            latest.update(spoken)
            held.history.append(spoken)
            present = _still_there(ctx, number, present, spoken)
            await self._moderate(ctx, held)
        return held

    def _is_over(self, held: Held) -> bool:
        """Whether what `stop` names was reached."""
        if self.stop == "moderator":
            return held.accounts[-1].agreed
        return self.stop == "agreement" and all(one.agree for one in held.history[-1].values())

    async def _moderate(self, ctx: StepContext, held: Held) -> None:
        """Add the account of what was said, where anybody moderates. Raises StepFailed."""
        moderators, number = self._moderators, held.rounds
        if moderators is None:
            return
        shown = "\n".join(_shown(position) for position in held.latest.values())

        async def tell(ref: AgentRef) -> Account:
            name = agent_id(ref)
            prompt = word(
                "debate_moderate",
                brief=_brief(ctx, ref, number),
                round=number,
                rounds=self.rounds,
                positions=shown,
                agreeing=[one.agent for one in held.latest.values() if one.agree],
                account=held.account,
            )
            label = f"moderator, round {number}" if number else "moderator, proposals"
            answer = await ctx.ask(
                ref, prompt, schema=SCHEMA, item=MODERATOR, turn=number, label=label
            )
            return read_account(name, answer.value)

        ctx.progress(f"round {number}, moderator" if number else "moderator")
        try:
            held.accounts.append(await ask_one(ctx, moderators, tell, turn=number))
        except ModelError as error:
            after = f"round {number}" if number else "the proposals"
            what = f"nobody could moderate after {after}: {error}"
            raise StepFailed(ctx.step, what, hint=error.hint, details=record(held)) from error

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
        held: Held,
        batch: int | None,
    ) -> dict[str, Position]:
        """One round: everybody who is there sees the same positions and answers at once."""
        latest = held.latest
        shown = {name: _shown(position) for name, position in latest.items()}
        schema = round_schema(self.schema)

        def branch(ref: AgentRef) -> Branch[Answer]:
            def revise(ctx: StepContext) -> Awaitable[Answer]:
                prompt = self._round_prompt(ctx, held, ref, shown)
                return ctx.ask(ref, prompt, schema=schema, turn=number, label=f"round {number}")

            return revise

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in present}, quorum=self.quorum or 1, batch=batch
        )
        return {name: _position(name, answer.value) for name, answer in gathered.done.items()}

    def _round_prompt(
        self, ctx: StepContext, held: Held, ref: AgentRef, shown: Mapping[str, str]
    ) -> str:
        number, own = held.rounds + 1, held.latest[agent_id(ref)]
        positions = {**shown, own.agent: _shown(own, own=True)}
        return word(
            "debate_round",
            brief=_brief(ctx, ref, number),
            round=number,
            rounds=self.rounds,
            positions="\n".join(positions.values()),
            account=held.account,
        )


def _shown(position: Position, *, own: bool = False) -> str:
    """A position as a prompt shows it: written once for all but its own agent."""
    return word("position", agent=position.agent, text=position.text, own=own)


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
