"""`debate`: agents propose, then revise in rounds in which each sees the others' positions."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.agents.rota import Pick
from konseho_cli.core.errors import ModelError, StepFailed
from konseho_cli.steps.accounts import SCHEMA, Account, read_account
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
)  # fmt: skip
from konseho_cli.steps.listed import check_agents
from konseho_cli.steps.moderators import (
    MODERATOR,
    Moderators,
    ask_one,
    check_moderators,
    moderators_of,
)
from konseho_cli.steps.wording import word

_SHARED = ("$defs", "definitions")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent holds after a round."""

    agent: str
    value: JSON
    text: str
    agree: bool | None
    """Whether it agrees with all others as they stood; None in a proposal, which saw none."""


class _Held(msgspec.Struct, kw_only=True):
    """What was said so far."""

    latest: dict[str, Position]
    history: list[dict[str, Position]]
    """What was said in each round, the proposals first."""
    accounts: list[Account] = msgspec.field(default_factory=list)
    """The moderators', as many as there are rounds in `history`."""

    @property
    def rounds(self) -> int:
        """Exchanges after the proposals."""
        return len(self.history) - 1

    @property
    def agreed(self) -> bool:
        """Whether all who hold a position stated that they agree."""
        return bool(self.rounds) and all(position.agree for position in self.latest.values())

    @property
    def account(self) -> dict[str, JSON] | None:
        """The last one."""
        return self.accounts[-1].document() if self.accounts else None


class Debate(Base, frozen=True, kw_only=True, tag="debate"):
    """Agents propose in parallel, then revise in rounds in which each sees all positions whole.

    The value is `{positions: {agent: position}, agreed, rounds}`; the positions are the latest. With
    a moderator it has its last `account` as well: `{agreed, summary, open_points}`.
    """

    agents: tuple[AgentRef, ...]
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

    names: ClassVar[frozenset[str]] = frozenset({"agent", "round"})

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

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        keys = frozenset({"positions", "agreed", "rounds"})
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
        return found

    def estimate(self) -> Estimate:
        """A proposal each and an answer each a round; where it may end early, the least of it."""
        fewest = {"rounds": self.rounds, "agreement": 1, "moderator": 0}[self.stop]
        each = len(self.agents) + (self._moderators is not None)
        return Estimate(fewest=each * (1 + fewest), most=each * (1 + self.rounds))

    async def run(self, ctx: StepContext) -> StepResult:
        """Debate until all agree or the rounds are over."""
        ctx.progress("proposals")
        latest = await self._propose(ctx)
        held = _Held(latest=latest, history=[dict(latest)])
        present = [agent for agent in self.agents if agent_id(agent) in latest]
        await self._moderate(ctx, held)
        # The last one left has nobody to answer to.
        while held.rounds < self.rounds and len(present) > 1 and not self._is_over(held):
            number = held.rounds + 1
            ctx.progress(f"round {number}")
            spoken = await self._exchange(ctx, number, present, held)
            latest.update(spoken)
            held.history.append(spoken)
            present = _still_there(ctx, number, present, spoken)
            await self._moderate(ctx, held)
        return _result(held, by_moderator=self.stop == "moderator")

    def _is_over(self, held: _Held) -> bool:
        """Whether what `stop` names was reached."""
        if self.stop == "moderator":
            return held.accounts[-1].agreed
        return self.stop == "agreement" and all(one.agree for one in held.history[-1].values())

    async def _moderate(self, ctx: StepContext, held: _Held) -> None:
        """Add the account of what was said, where anybody moderates. Raises StepFailed."""
        moderators, number = self._moderators, held.rounds
        if moderators is None:
            return
        shown = "\n".join(_shown(position) for position in held.latest.values())

        async def tell(ref: AgentRef) -> Account:
            name = agent_id(ref)
            prompt = word(
                "debate_moderate",
                brief=ctx.brief(agent=name, round=number),
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
            raise StepFailed(ctx.step, what, hint=error.hint, details=_record(held)) from error

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
        held: _Held,
    ) -> dict[str, Position]:
        """One round: everybody who is there sees the same positions and answers at once."""
        latest = held.latest
        shown = {name: _shown(position) for name, position in latest.items()}
        schema = round_schema(self.schema)

        def branch(ref: AgentRef) -> Branch[Answer]:
            def revise(ctx: StepContext) -> Awaitable[Answer]:
                prompt = self._round_prompt(ctx, held, latest[agent_id(ref)], shown)
                return ctx.ask(ref, prompt, schema=schema, turn=number, label=f"round {number}")

            return revise

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in present}, quorum=self.quorum or 1
        )
        return {name: _position(name, answer.value) for name, answer in gathered.done.items()}

    def _round_prompt(
        self, ctx: StepContext, held: _Held, own: Position, shown: Mapping[str, str]
    ) -> str:
        number = held.rounds + 1
        positions = {**shown, own.agent: _shown(own, own=True)}
        return word(
            "debate_round",
            brief=ctx.brief(agent=own.agent, round=number),
            round=number,
            rounds=self.rounds,
            positions="\n".join(positions.values()),
            account=held.account,
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


def _result(held: _Held, *, by_moderator: bool) -> StepResult:
    value: dict[str, JSON] = {
        "positions": {name: position.value for name, position in held.latest.items()},
        "agreed": held.accounts[-1].agreed if by_moderator else held.agreed,
        "rounds": held.rounds,
    }
    parts = [Part(label=name, text=position.text) for name, position in held.latest.items()]
    if held.accounts:
        last = held.accounts[-1]
        value["account"] = last.document()
        parts.append(Part(label=f"account of {last.moderator}", text=last.text))
    return StepResult(
        value=value, parts=tuple(parts), details={**_record(held), "agreed": value["agreed"]}
    )


def _record(held: _Held) -> dict[str, JSON]:
    """Every round, and every account, as plain values."""
    rounds = [
        {
            name: {"position": position.value, "agree": position.agree}
            for name, position in spoken.items()
        }
        for spoken in held.history
    ]
    if not held.accounts:
        return {"agreed": held.agreed, "rounds": rounds}
    accounts = [
        {"moderator": account.moderator, "round": number, **account.document()}
        for number, account in enumerate(held.accounts)
    ]
    return {"agreed": held.agreed, "rounds": rounds, "accounts": accounts}
