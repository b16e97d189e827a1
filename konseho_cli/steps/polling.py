"""Asking voters for their ballots, and the moderator for a decision."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from fractions import Fraction

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.core.errors import ModelError, StepFailed
from konseho_cli.steps.ballots import ballot_schema, decision_schema, form_of, read_ballot
from konseho_cli.steps.base import Branch, StepContext, agent_id
from konseho_cli.steps.candidates import Candidate
from konseho_cli.steps.crowd import state_of
from konseho_cli.steps.tally import Ballot, Method, Voter, decided
from konseho_cli.steps.wording import word


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How a vote is held."""

    method: Method
    threshold: float | None
    quorum: int | None
    self_votes: bool
    anonymous: bool
    early_stop: bool
    batch: int | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the moderator said."""

    moderator: str
    winner: int
    reason: str


async def poll(
    ctx: StepContext,
    rules: Rules,
    agents: Sequence[AgentRef],
    candidates: Sequence[Candidate],
    standing: Sequence[int],
    turn: int,
) -> tuple[Ballot, ...]:
    """One ballot of every agent, at once, on the candidates that stand."""
    voters = {agent_id(ref): _voter(ctx, rules, ref, candidates, standing) for ref in agents}
    refs = {agent_id(ref): ref for ref in agents}
    asking = {name: voter for name, voter in voters.items() if voter.eligible}
    # Shuffled before anybody is asked: who comes first must not change what the others see.
    orders = {name: _shuffled(ctx, voter.eligible) for name, voter in asking.items()}

    def branch(name: str) -> Branch[Ballot]:
        def vote(ctx: StepContext) -> Awaitable[Ballot]:
            return _ballot(ctx, rules, refs[name], asking[name], candidates, orders[name], turn)

        return vote

    def enough(done: Mapping[str, Ballot]) -> bool:
        waiting = [voter for name, voter in asking.items() if name not in done]
        return decided(
            rules.method, list(done.values()), waiting, standing,
            threshold=rules.threshold, quorum=rules.quorum,
        )  # fmt: skip

    gathered = await ctx.gather(
        {name: branch(name) for name in asking}, enough=enough if rules.early_stop else None,
        batch=rules.batch,
    )  # fmt: skip
    return tuple(
        gathered.done.get(name) or _without(voter, asked=name in asking)
        for name, voter in voters.items()
    )


async def moderate(
    ctx: StepContext,
    rules: Rules,
    moderator: AgentRef,
    candidates: Sequence[Candidate],
    standing: Sequence[int],
    ballots: Sequence[Ballot],
    *,
    tie: bool,
) -> Decision:
    """The moderator's choice among those that stand; its own is not among them."""
    name = agent_id(moderator)
    able = _voter(ctx, rules, moderator, candidates, standing).eligible
    if not able:
        raise StepFailed(ctx.step, f"the moderator '{name}' may not choose its own candidate")
    order = _shuffled(ctx, able)
    prompt = word(
        "moderate",
        brief=ctx.brief(earlier=not rules.anonymous, agent=name, item=state_of(ctx, moderator)),
        candidates=_shown(candidates, order),
        ballots=_spoken(rules, candidates, ballots),
        tie=tie,
    )
    schema = decision_schema([candidates[number].label for number in order])
    answer = await ctx.ask(moderator, prompt, schema=schema, item="moderator", label="moderator")
    labels = {candidates[number].label: number for number in able}
    return Decision(
        moderator=name,
        winner=labels[answer.value["choice"]],
        reason=str(answer.value["reason"]),
    )


def _voter(
    ctx: StepContext,
    rules: Rules,
    ref: AgentRef,
    candidates: Sequence[Candidate],
    standing: Sequence[int],
) -> Voter:
    name = agent_id(ref)
    weight = Fraction(str(ctx.agent(ref).weight)) if rules.method == "weighted" else Fraction(1)
    able = (one for one in standing if rules.self_votes or candidates[one].author != name)
    return Voter(agent=name, eligible=tuple(able), weight=weight)


def _shuffled(ctx: StepContext, numbers: Sequence[int]) -> tuple[int, ...]:
    order = list(numbers)
    ctx.random.shuffle(order)
    return tuple(order)


async def _ballot(
    ctx: StepContext,
    rules: Rules,
    ref: AgentRef,
    voter: Voter,
    candidates: Sequence[Candidate],
    order: Sequence[int],
    turn: int,
) -> Ballot:
    """One voter's ballot; a failure is an abstention that says why."""
    form = form_of(rules.method)
    prompt = word(
        "vote",
        brief=ctx.brief(earlier=not rules.anonymous, agent=voter.agent, item=state_of(ctx, ref)),
        candidates=_shown(candidates, order),
        form=form,
        round=turn + 1,
    )
    schema = ballot_schema(form, [candidates[number].label for number in order])
    label = "second ballot" if turn else ""
    try:
        answer = await ctx.ask(ref, prompt, schema=schema, turn=turn, label=label)
    except ModelError as error:
        ctx.degrade(f"{voter.agent} did not vote: {error}")
        return Ballot(voter=voter, vote=None, reason=str(error), status="failed")
    ballot = read_ballot(form, answer.value, voter, candidates)
    if ballot.status == "failed":
        ctx.degrade(f"{voter.agent} did not vote: {ballot.reason}")
    return ballot


def _without(voter: Voter, *, asked: bool) -> Ballot:
    if asked:
        return Ballot(
            voter=voter, vote=None, reason="the vote was already decided", status="not_needed"
        )
    return Ballot(voter=voter, vote=None, reason="only its own was left", status="abstained")


def _shown(candidates: Sequence[Candidate], order: Sequence[int]) -> list[dict[str, str]]:
    return [
        {"label": candidates[number].label, "text": candidates[number].text} for number in order
    ]


def _spoken(
    rules: Rules, candidates: Sequence[Candidate], ballots: Sequence[Ballot]
) -> list[dict[str, str]]:
    """The ballots as the moderator sees them: no names where the vote is anonymous."""
    between = " > " if form_of(rules.method) == "ranking" else ", "
    return [
        {
            "voter": f"Voter {place}" if rules.anonymous else ballot.voter.agent,
            "vote": "abstained" if ballot.vote is None
            else between.join(candidates[number].label for number in ballot.vote) or "none",
            "reason": "" if ballot.status == "failed" else ballot.reason,
        }
        for place, ballot in enumerate(ballots, 1)
    ]  # fmt: skip
