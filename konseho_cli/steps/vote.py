"""`vote`: agents choose among candidates, by a method that is stated and counted exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from konseho_cli.agents.definition import AgentRef, AgentRefs
from konseho_cli.agents.rota import Pick
from konseho_cli.core.errors import StepFailed
from konseho_cli.core.units import Share
from konseho_cli.steps.base import Base, Estimate, Positive, StepContext, Template
from konseho_cli.steps.candidates import Candidate, label_candidates, read_candidates
from konseho_cli.steps.crowd import in_order
from konseho_cli.steps.evaluating import evaluate_field, is_fixed
from konseho_cli.steps.listed import check_agents, check_order
from konseho_cli.steps.moderators import Moderators, check_moderators, moderators_of
from konseho_cli.steps.polling import Decision, Rules, moderate, poll, some
from konseho_cli.steps.results import StepResult
from konseho_cli.steps.tally import Ballot, Method, Tally, count
from konseho_cli.steps.verdict import HeldVote, record, result, shortfall


class Vote(Base, frozen=True, kw_only=True, tag="vote"):
    """Agents choose among candidates; ballots are structured, anonymous and shuffled.

    The value is `{winner, author, label, scores, ballots, dissent, method, tie, abstentions}`. A
    voter that fails is an abstention with its reason. Without a winner the step fails: no valid
    ballot, a missed quorum, a missed threshold.
    """

    candidates: Template | list[Any]
    """A list, or a mapping of author to candidate, such as `{{ argue.positions }}`."""
    voters: AgentRefs = ()
    """Needed by every method but `moderator`."""
    method: Method = "plurality"
    """plurality: most votes. majority: more than half. consensus: all. weighted: votes count by
    the agents' `weight`. approval: each names all that it accepts. borda, schulze: each ranks all.
    moderator: the moderator decides, knowing the ballots."""
    threshold: Share | None = None
    """The share that the winner must have of the ballots that could name it, abstentions left
    out: above one half for a majority, 1 for a consensus, none for the others. For borda it is the
    share of the points, for schulze that of the ballots in its narrowest duel."""
    quorum: Positive | None = None
    """How many must cast a ballot, abstentions left out; by default one."""
    moderator: AgentRef | None = None
    """Decides by `method: moderator`, or between the tied by `ties: moderator`."""
    moderators: tuple[AgentRef, ...] = ()
    """A pool in the place of one moderator: one of them decides, and the next where it fails. All
    steps that name the same list share the turns."""
    pick: Pick = "round_robin"
    """Which of the `moderators`: round_robin, each in turn; load, who has fewest questions under
    way."""
    ties: Literal["first", "random", "moderator", "revote"] = "random"
    """first: of the list. random: by the council's seed. moderator: a casting vote. revote: once
    more among the tied, then random."""
    self_votes: bool = False
    """Whether an agent may vote for its own candidate."""
    anonymous: bool = True
    """Whether voters see letters in place of authors, and no earlier output that names them."""
    early_stop: bool = False
    """Whether ballots that can no longer change the winner are cancelled."""
    batch: Positive | None = None
    """How many are asked at a time; whoever voted lets in the next."""
    order: Template | None = None
    """Who is asked first: a number or text for each voter, such as `{{ item.urgency }}`; the lowest
    first."""

    templates: ClassVar[tuple[str, ...]] = ("prompt", "candidates", "order")
    names: ClassVar[frozenset[str]] = frozenset({"agent", "item"})
    lists: ClassVar[tuple[str, ...]] = ("voters",)

    @property
    def shows_earlier(self) -> bool:
        """Not where it is anonymous: what was said would tell whose a candidate is."""
        return self.prompt is None and not self.anonymous

    def speakers(self) -> Mapping[str, Sequence[AgentRef]]:
        """The voters, and the moderators if there are any."""
        found = {"voters": self.voters}
        if self.moderator is not None:
            found["moderator"] = (self.moderator,)
        if self.moderators:
            found["moderators"] = self.moderators
        return found

    def own_names(self, field: str) -> frozenset[str]:
        """An order is made agent by agent."""
        return frozenset({"agent", "item"}) if field == "order" else super().own_names(field)

    def keys(self) -> frozenset[str]:
        """The value's keys."""
        return frozenset(
            {"winner", "author", "label", "scores", "ballots", "dissent", "method", "tie",
             "abstentions"}
        )  # fmt: skip

    def check(self) -> Mapping[str, str]:
        """Voters once each, a moderator where one decides, a quorum and threshold in range."""
        found = check_agents(self.voters, self.quorum, field="voters", one="voter")
        if self.method == "moderator":
            if not self.voters:
                found.pop("voters", None)
            found |= self._check_moderated()
        if self._moderators is None and self.ties == "moderator":
            found["moderator"] = "`ties: moderator` needs a moderator"
        if self._moderators is not None and "moderator" not in (self.method, self.ties):
            field = "moderators" if self.moderators else "moderator"
            found[field] = "nothing is left to it: set `method` or `ties` to moderator"
        found |= check_moderators(self.moderator, self.moderators)
        if isinstance(self.candidates, list) and not self.candidates:
            found["candidates"] = "at least one candidate is needed"
        if is_fixed(self.candidates):
            found["candidates"] = "a fixed text is no list: write [red, blue], or a template"
        if self.fallback is not None and self.fallback.agent is not None:
            found["fallback"] = "nobody casts another's ballot: use `fallback: {value: …}`"
        return found | check_order(self.order, self.batch) | self._check_threshold()

    @property
    def may_stop_early(self) -> bool:
        """Whether `early_stop` could be set on it: a moderator hears every ballot."""
        return not self.early_stop and self.method != "moderator"

    def _check_moderated(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._moderators is None:
            found["moderator"] = "`method: moderator` needs a moderator"
        if self.threshold is not None:
            found["threshold"] = "the moderator decides: there is no share to reach"
        if self.early_stop:
            found["early_stop"] = "the moderator hears every ballot"
        if self.quorum is not None and not self.voters:
            found["quorum"] = "there are no voters"
        return found

    @property
    def _share(self) -> float | None:
        """The threshold as what is kept and shown holds it: a plain number."""
        return None if self.threshold is None else float(self.threshold)

    def _check_threshold(self) -> dict[str, str]:
        if self.threshold is None:
            return {}
        if not 0 < self.threshold <= 1:
            return {"threshold": "it is a share above 0, such as 70% or 0.7"}
        if self.method == "majority" and self.threshold < 0.5:
            return {"threshold": "a majority is more than half: 0.5 to 1"}
        return {}

    def estimate(self) -> Estimate:
        """A ballot a voter; another each for a revote, one call for the moderator."""
        voters = len(self.voters)
        if self.method == "moderator":
            return Estimate(fewest=voters + 1, most=voters + 1)
        extra = {"moderator": 1, "revote": voters}.get(self.ties, 0)
        return Estimate(fewest=self.quorum or 1 if self.early_stop else voters, most=voters + extra)

    async def run(self, ctx: StepContext) -> StepResult:
        """Hold the vote. Raises StepFailed, with every ballot, where nobody wins."""
        candidates = self._candidates(ctx)
        everybody = range(len(candidates))
        ballots: tuple[Ballot, ...] = ()
        if self.voters:
            voters = in_order(ctx, self.voters, self.order)
            ballots = await poll(ctx, self._rules, voters, candidates, everybody, turn=0)
        tally = count(self.method, ballots, everybody)
        held = HeldVote(
            method=self.method,
            threshold=self._share,
            rules=self._rules,
            candidates=candidates,
            rounds=(ballots,) if ballots else (),
            tally=tally if ballots else None,
        )
        self._require_quorum(ctx, held)
        held, winner = await self._decide(ctx, held, tally, tuple(everybody))
        if problem := shortfall(held, winner):
            raise StepFailed(
                ctx.step,
                f"nobody won by {self.method}: {problem}",
                hint="lower `threshold`, choose another `method`, or set `on_error`",
                details=record(held, None),
            )
        return result(held, winner)

    @property
    def _moderators(self) -> Moderators | None:
        return moderators_of(self.moderator, self.moderators, self.pick)

    @property
    def _rules(self) -> Rules:
        return Rules(
            method=self.method,
            threshold=self._share,
            quorum=self.quorum,
            self_votes=self.self_votes,
            anonymous=self.anonymous,
            early_stop=self.early_stop,
            batch=self.batch,
        )

    def _candidates(self, ctx: StepContext) -> tuple[Candidate, ...]:
        found = read_candidates(ctx.step, evaluate_field(ctx, self.candidates))
        for key, (_, value) in found.items():
            if value is None:
                ctx.degrade(f"candidate {key} is null and does not stand")
        return label_candidates(found, anonymous=self.anonymous, random=ctx.random)

    def _require_quorum(self, ctx: StepContext, held: HeldVote) -> None:
        if held.tally is None:
            return
        cast, needed = held.tally.cast, self.quorum
        if needed is None:
            needed = 0 if self.method == "moderator" else 1
        if cast < needed:
            reasons = [
                f"{ballot.voter.agent}: {ballot.reason}"
                if ballot.status == "failed"
                else f'{ballot.voter.agent} abstained: "{ballot.reason:.80}"'
                for ballot in held.rounds[-1]
                if ballot.vote is None
            ]
            raise StepFailed(
                ctx.step,
                f"{cast} of {len(held.rounds[-1])} cast a ballot, {needed} must ({some(reasons, '; ')})",
                details=record(held, None),
            )

    async def _decide(
        self, ctx: StepContext, held: HeldVote, tally: Tally, everybody: tuple[int, ...]
    ) -> tuple[HeldVote, int]:
        """The winner, with all that it took to find it."""
        if self.method == "moderator":
            decision = await self._moderate(ctx, held, everybody, tie=False)
            return replace(held, decision=decision), decision.winner
        if len(tally.leaders) == 1:
            return held, tally.leaders[0]
        return await self._break(ctx, held, tally.leaders)

    async def _break(
        self, ctx: StepContext, held: HeldVote, tied: tuple[int, ...]
    ) -> tuple[HeldVote, int]:
        """Resolve a tie as `ties` says."""
        if self.ties == "first":
            return replace(held, tie="first"), tied[0]
        if self.ties == "moderator":
            decision = await self._moderate(ctx, held, tied, tie=True)
            return replace(held, tie="moderator", decision=decision), decision.winner
        if self.ties == "random":
            return replace(held, tie="random"), ctx.random.choice(tied)
        return await self._revote(ctx, held, tied)

    async def _revote(
        self, ctx: StepContext, held: HeldVote, tied: tuple[int, ...]
    ) -> tuple[HeldVote, int]:
        """Once more among the tied; who still ties then is drawn."""
        ctx.progress("revote")
        voters = in_order(ctx, self.voters, self.order)
        ballots = await poll(ctx, self._rules, voters, held.candidates, tied, turn=1)
        tally = count(self.method, ballots, tied)
        held = replace(held, rounds=(*held.rounds, ballots), tally=tally, tie="revote")
        self._require_quorum(ctx, held)
        if len(tally.leaders) == 1:
            return held, tally.leaders[0]
        return replace(held, tie="revote, then random"), ctx.random.choice(tally.leaders)

    async def _moderate(
        self, ctx: StepContext, held: HeldVote, standing: Sequence[int], *, tie: bool
    ) -> Decision:
        assert self._moderators is not None
        ctx.progress("moderator")
        ballots = held.rounds[-1] if held.rounds else ()
        return await moderate(
            ctx, self._rules, self._moderators, held.candidates, standing, ballots, tie=tie
        )
