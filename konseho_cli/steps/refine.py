"""`refine`: a worker writes, critics judge, and it writes again until they approve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.core.errors import ModelError, OwnLimitReached, StepFailed
from konseho_cli.steps.base import (
    JSON,
    Base,
    Branch,
    Estimate,
    Positive,
    StepContext,
    agent_id,
    as_text,
)
from konseho_cli.steps.critiques import (
    SCHEMA,
    Critique,
    Point,
    listing,
    open_points,
    read_critique,
    why_not,
)
from konseho_cli.steps.listed import check_agents
from konseho_cli.steps.results import Part, StepResult
from konseho_cli.steps.wording import word


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the work, and what was said of it."""

    value: JSON
    text: str
    critiques: tuple[Critique, ...] = ()
    missing: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Critics that did not answer, and why."""

    @property
    def approved(self) -> bool:
        """Whether all critics approve who answered."""
        return bool(self.critiques) and all(one.approves for one in self.critiques)


class Refine(Base, frozen=True, kw_only=True, tag="refine"):
    """A worker writes, critics judge at the same time, and it writes again until all approve.

    The value is `{result, approved, rounds, open}`: the last version, whether it was approved, how
    many rounds were held, and the points that stand against it. Without approval after
    `max_rounds` the step is degraded, and the reason says what is open.
    """

    worker: AgentRef
    """Who writes; it sees its last version and every critique whole."""
    critics: tuple[AgentRef, ...]
    """Who judge each version, unseen by each other; one or more."""
    max_rounds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    """Versions at most, each with its critiques."""
    approve: Literal["all"] = "all"
    """all: it ends once every critic that answered approves, and the quorum did answer. Who names
    a blocking point does not approve, whatever else it states."""
    quorum: Positive | None = None
    """How many critics must answer in each round; by default one. Who fails is left out of that
    round, which is no approval, and makes the step degraded."""

    names: ClassVar[frozenset[str]] = frozenset({"agent", "round"})

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """The worker and the critics."""
        return {"worker": (self.worker,), "critics": self.critics}

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset({"result", "approved", "rounds", "open"})

    def check(self) -> Mapping[str, str]:
        """Critics are there, once each, and enough of them; nobody judges its own work."""
        found = check_agents(self.critics, self.quorum, field="critics", one="critic")
        worker = agent_id(self.worker)
        if worker in map(agent_id, self.critics):
            found["critics"] = f"'{worker}' is the worker: nobody judges its own work"
        return found

    def estimate(self) -> Estimate:
        """A version and a critique each a round; the first round may end it."""
        a_round = 1 + len(self.critics)
        return Estimate(fewest=a_round, most=a_round * self.max_rounds)

    async def run(self, ctx: StepContext) -> StepResult:
        """Write and judge in turn. Raises StepFailed, with every version, below the quorum."""
        versions: list[Version] = []
        while len(versions) < self.max_rounds:
            number = len(versions) + 1
            ctx.progress(f"round {number}")
            try:
                written = await self._write(ctx, number, versions)
            except (ModelError, OwnLimitReached) as error:
                if not versions:
                    raise
                worker = agent_id(self.worker)
                ctx.degrade(
                    f"{worker} failed in round {number}, version {number - 1} stays: {error}"
                )
                break
            try:
                versions.append(await self._judge(ctx, number, written, versions))
            except StepFailed as error:
                error.details = self._record([*versions, written])
                raise
            except OwnLimitReached as error:
                ctx.degrade(f"nobody judged version {number}: {error}")
                versions.append(written)
                break
            if versions[-1].approved:
                break
        return self._result(ctx, versions)

    async def _write(self, ctx: StepContext, number: int, versions: Sequence[Version]) -> Version:
        """The first version, or the one that meets the critiques of the last."""
        brief = ctx.brief(agent=agent_id(self.worker), round=number)
        if not versions:
            prompt = word("refine_work", brief=brief)
        else:
            prompt = word(
                "refine_revise",
                brief=brief,
                round=number,
                rounds=self.max_rounds,
                work=versions[-1].text,
                critiques=[
                    {"critic": one.critic, "approves": one.approves, "text": one.text}
                    for one in versions[-1].critiques
                ],
            )
        label = f"version {number}"
        answer = await ctx.ask(self.worker, prompt, schema=self.schema, turn=number, label=label)
        return Version(value=answer.value, text=as_text(answer.value))

    async def _judge(
        self, ctx: StepContext, number: int, written: Version, versions: Sequence[Version]
    ) -> Version:
        """The version with what its critics say; all at once, unseen by each other."""

        def branch(ref: AgentRef) -> Branch[Critique]:
            async def judge(ctx: StepContext) -> Critique:
                name = agent_id(ref)
                prompt = word(
                    "refine_critique",
                    brief=ctx.brief(agent=name, round=number),
                    round=number,
                    rounds=self.max_rounds,
                    worker=agent_id(self.worker),
                    work=written.text,
                    earlier=[msgspec.to_builtins(point) for point in _earlier(name, versions)],
                )
                label = f"critique {number}"
                answer = await ctx.ask(ref, prompt, schema=SCHEMA, turn=number, label=label)
                return read_critique(name, answer.value)

            return judge

        gathered = await ctx.gather(
            {agent_id(ref): branch(ref) for ref in self.critics}, quorum=self.quorum or 1
        )
        return msgspec.structs.replace(
            written,
            critiques=tuple(gathered.done.values()),
            missing={name: str(error) for name, error in gathered.failed.items()},
        )

    def _result(self, ctx: StepContext, versions: Sequence[Version]) -> StepResult:
        last = versions[-1]
        if not last.approved:
            rounds = "1 round" if len(versions) == 1 else f"{len(versions)} rounds"
            why = why_not(last.critiques)
            ctx.degrade(f"not approved after {rounds}{f': {why}' if why else ''}")
        parts = [Part(label=agent_id(self.worker), text=last.text)]
        parts += [
            Part(label=f"open points of {one.critic}", text=listing(one.points))
            for one in last.critiques
            if one.points
        ]
        return StepResult(
            value={
                "result": last.value,
                "approved": last.approved,
                "rounds": len(versions),
                "open": open_points(last.critiques),
            },
            parts=tuple(parts),
            details=self._record(versions),
        )

    def _record(self, versions: Sequence[Version]) -> dict[str, JSON]:
        """Every version and critique as plain values."""
        return {
            "worker": agent_id(self.worker),
            "approved": versions[-1].approved,
            "rounds": [
                {
                    "version": version.value,
                    "critiques": {one.critic: one.record() for one in version.critiques},
                    "missing": dict(version.missing),
                }
                for version in versions
            ],
            "open": open_points(versions[-1].critiques),
        }


def _earlier(critic: str, versions: Sequence[Version]) -> tuple[Point, ...]:
    """What the critic said when it was last heard."""
    said = (one for version in versions[::-1] for one in version.critiques if one.critic == critic)
    last = next(said, None)
    return () if last is None else last.points
