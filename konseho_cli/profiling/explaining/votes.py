"""How a vote came to its winner: the tally, every ballot, who dissented. Pure."""

from __future__ import annotations

import msgspec

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.explaining.excerpt import Excerpt, excerpt
from konseho_cli.steps.base import as_text


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate and what it got."""

    key: str
    """Its author, or its place in the list."""
    label: str
    """What voters saw."""
    score: float | None
    """None: nobody counted."""
    share: float | None
    candidate: Excerpt


class BallotAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One voter's ballot."""

    voter: str
    round: int
    """From 1; 2 is a revote."""
    status: str
    """cast, abstained, failed or not_needed."""
    vote: tuple[str, ...]
    """One choice, all that it approves, or all in order."""
    is_ranking: bool
    weight: float
    dissents: bool
    """Whether it could have named the winner, and named another."""
    reason: Excerpt


class VoteAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A whole vote."""

    method: str
    winner: str | None
    """A candidate's key; None: nobody won."""
    candidates: tuple[Counted, ...]
    """The highest score first, the winner before others that have the same."""
    ballots: tuple[BallotAccount, ...]
    tie: str | None
    """How a tie was resolved."""
    moderator: str | None
    decision: Excerpt | None
    """The moderator's reason."""

    @property
    def margin(self) -> tuple[float, float] | None:
        """The winner's score and the best of the others; None: there is none to compare."""
        scores = {one.key: one.score for one in self.candidates if one.score is not None}
        own = scores.pop(self.winner, None) if self.winner is not None else None
        return None if own is None or not scores else (own, max(scores.values()))


class _Candidate(msgspec.Struct, frozen=True):
    key: str
    label: str = ""
    candidate: object = None


class _Ballot(msgspec.Struct, frozen=True):
    voter: str
    status: str
    vote: str | list[str] | None
    round: int = 1
    weight: float = 1
    reason: str = ""


class _Dissent(msgspec.Struct, frozen=True):
    voter: str


class _Decision(msgspec.Struct, frozen=True):
    agent: str
    choice: str
    reason: str = ""


class _Record(msgspec.Struct, frozen=True):
    """The details that `steps/verdict.py` leaves."""

    method: str
    candidates: list[_Candidate]
    ballots: list[_Ballot]
    scores: dict[str, float]
    shares: dict[str, float] = {}
    dissent: list[_Dissent] = []
    tie: str | None = None
    moderator: _Decision | None = None
    winner: str | None = None


def vote_account(step: StepOutcome) -> VoteAccount | None:
    """None: it left no record."""
    try:
        record = msgspec.convert(dict(step.details), _Record)
    except msgspec.ValidationError:
        return None
    last = max((ballot.round for ballot in record.ballots), default=1)
    dissenters = {one.voter for one in record.dissent}
    decision = record.moderator
    return VoteAccount(
        method=record.method,
        winner=record.winner,
        candidates=_counted(record),
        ballots=tuple(
            _ballot(ballot, record.method, ballot.round == last and ballot.voter in dissenters)
            for ballot in record.ballots
        ),
        tie=record.tie,
        moderator=None if decision is None else decision.agent,
        decision=None if decision is None else excerpt(decision.reason),
    )


def _counted(record: _Record) -> tuple[Counted, ...]:
    found = [
        Counted(
            key=one.key,
            label=one.label,
            score=record.scores.get(one.key),
            share=record.shares.get(one.key),
            candidate=excerpt(as_text(one.candidate)),
        )
        for one in record.candidates
    ]
    return tuple(sorted(found, key=lambda one: (-(one.score or 0), one.key != record.winner)))


def _ballot(ballot: _Ballot, method: str, dissents: bool) -> BallotAccount:
    vote = ballot.vote if isinstance(ballot.vote, list) else [ballot.vote]
    return BallotAccount(
        voter=ballot.voter,
        round=ballot.round,
        status=ballot.status,
        vote=tuple(one for one in vote if one is not None),
        is_ranking=method in ("borda", "schulze"),
        weight=ballot.weight,
        dissents=dissents,
        reason=excerpt(ballot.reason),
    )
