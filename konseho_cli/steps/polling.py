"""Asking voters for their ballots, and the moderator for a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.core.errors import ModelError, StepFailed
from konseho_cli.steps.ballots import ballot_schema, decision_schema, form_of, read_ballot
from konseho_cli.steps.base import Branch, StepContext, agent_id
from konseho_cli.steps.candidates import Candidate
from konseho_cli.steps.crowd import state_of
from konseho_cli.steps.moderators import MODERATOR, Moderators, ask_one
from konseho_cli.steps.tally import Ballot, Counting, Method, Voter
from konseho_cli.steps.wording import word

MOST_NAMES = 3
"""Of those that are named in one reason."""


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


class _Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One voter's ballot paper."""

    voter: Voter
    order: tuple[int, ...]
    """Of the candidates on it."""
    turn: int
    """1: a revote."""


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
    shown = _shown(candidates, standing)
    counting = Counting(rules.method, standing, asking.values()) if rules.early_stop else None

    def branch(name: str) -> Branch[Ballot]:
        async def vote(ctx: StepContext) -> Ballot:
            paper = _Paper(voter=asking[name], order=orders[name], turn=turn)
            ballot = await _ballot(ctx, rules, refs[name], paper, candidates, shown)
            if counting is not None:
                counting.hear(ballot)
            return ballot

        return vote

    def enough(done: Mapping[str, Ballot]) -> bool:
        # It has heard all that are done, each as it came in: none is counted twice.
        return counting is not None and counting.is_decided(
            threshold=rules.threshold, quorum=rules.quorum
        )

    gathered = await ctx.gather(
        {name: branch(name) for name in asking}, enough=enough if rules.early_stop else None,
        batch=rules.batch,
    )  # fmt: skip
    ballots = tuple(
        gathered.done.get(name) or _without(voter, asked=name in asking)
        for name, voter in voters.items()
    )
    _say_who_failed(ctx, ballots)
    return ballots


async def moderate(
    ctx: StepContext,
    rules: Rules,
    moderators: Moderators,
    candidates: Sequence[Candidate],
    standing: Sequence[int],
    ballots: Sequence[Ballot],
    *,
    tie: bool,
) -> Decision:
    """The moderator's choice among those that stand; its own is not among them."""
    able = {
        agent_id(ref): _voter(ctx, rules, ref, candidates, standing).eligible
        for ref in moderators.agents
    }
    without = [name for name, eligible in able.items() if not eligible]
    if len(without) == len(able):
        whose = f"the moderator '{without[0]}'" if len(able) == 1 else "each of the moderators"
        raise StepFailed(ctx.step, f"{whose} may not choose its own candidate")
    shown, spoken = _shown(candidates, standing), _spoken(rules, candidates, ballots)

    async def decide(ref: AgentRef) -> Decision:
        name = agent_id(ref)
        order = _shuffled(ctx, able[name])
        prompt = word(
            "moderate",
            brief=ctx.brief(earlier=not rules.anonymous, agent=name, item=state_of(ctx, ref)),
            candidates=_listed(shown, order),
            ballots=spoken,
            tie=tie,
        )
        schema = decision_schema([candidates[number].label for number in order])
        answer = await ctx.ask(ref, prompt, schema=schema, item=MODERATOR, label=MODERATOR)
        labels = {candidates[number].label: number for number in able[name]}
        return Decision(
            moderator=name,
            winner=labels[answer.value["choice"]],
            reason=str(answer.value["reason"]),
        )

    return await ask_one(ctx, moderators, decide, without=without)


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
    paper: _Paper,
    candidates: Sequence[Candidate],
    shown: Mapping[int, str],
) -> Ballot:
    """One voter's ballot; a failure is an abstention that says why."""
    form, voter, turn = form_of(rules.method), paper.voter, paper.turn
    prompt = word(
        "vote",
        brief=ctx.brief(earlier=not rules.anonymous, agent=voter.agent, item=state_of(ctx, ref)),
        candidates=_listed(shown, paper.order),
        form=form,
        round=turn + 1,
    )
    schema = ballot_schema(form, [candidates[number].label for number in paper.order])
    label = "second ballot" if turn else ""
    try:
        answer = await ctx.ask(ref, prompt, schema=schema, turn=turn, label=label)
    except ModelError as error:
        return Ballot(voter=voter, vote=None, reason=str(error), status="failed")
    return read_ballot(form, answer.value, voter, candidates)


def _say_who_failed(ctx: StepContext, ballots: Sequence[Ballot]) -> None:
    """A reason for all that failed alike: a thousand of them are one line."""
    failed: dict[str, list[str]] = {}
    for ballot in ballots:
        if ballot.status == "failed":
            failed.setdefault(ballot.reason, []).append(ballot.voter.agent)
    for why, names in failed.items():
        ctx.degrade(f"{some(names)} did not vote: {why}")


def some(names: Sequence[str], joint: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return joint.join(names[:MOST_NAMES]) + more


def _without(voter: Voter, *, asked: bool) -> Ballot:
    if asked:
        return Ballot(
            voter=voter, vote=None, reason="the vote was already decided", status="not_needed"
        )
    return Ballot(voter=voter, vote=None, reason="only its own was left", status="abstained")


def _shown(candidates: Sequence[Candidate], numbers: Sequence[int]) -> dict[int, str]:
    """Each as a prompt shows it: written once, however many read it."""
    return {
        number: word("candidate", label=candidates[number].label, text=candidates[number].text)
        for number in numbers
    }


def _listed(shown: Mapping[int, str], order: Sequence[int]) -> str:
    return "\n".join([shown[number] for number in order])


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
