"""What it saved to stop a vote that was decided, or what it would have saved. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.within import every_outcome
from konseho_cli.profiling.time.analysis import EarlyStop
from konseho_cli.profiling.time.rounds import Round, rounds_of
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.steps.tally import Ballot, Method, Voter, decided
from konseho_cli.telemetry.spans import Span

_QUEUES = "queue."


class _Rules(msgspec.Struct, frozen=True):
    threshold: float | None = None
    quorum: int | None = None
    self_votes: bool = False
    early_stop: bool = False


class _Candidate(msgspec.Struct, frozen=True):
    key: str
    author: str | None = None


class _Cast(msgspec.Struct, frozen=True):
    voter: str
    round: int
    status: str
    vote: str | list[str] | None = None
    weight: float = 1


class _Record(msgspec.Struct, frozen=True):
    """The details that `steps/verdict.py` leaves."""

    method: Method
    rules: _Rules
    candidates: list[_Candidate]
    ballots: list[_Cast]
    scores: dict[str, float] = {}


def early_stops_of(trace: Trace, outcome: RunOutcome) -> tuple[EarlyStop, ...]:
    """Of every vote that ballots alone decide, in the order of the file."""
    rounds: dict[str, list[Round]] = {}
    for each in rounds_of(trace):
        rounds.setdefault(each.step, []).append(each)
    found = []
    for step in every_outcome(outcome):
        vote = _read(step.details) if step.kind == "vote" else None
        if vote is not None and vote.method != "moderator":
            held = max((ballot.round for ballot in vote.ballots), default=0)
            found.append(
                _early_stop(trace, step.id, vote, rounds.get(step.id, [])[-held or None :])
            )
    return tuple(found)


def _read(details: Any) -> _Record | None:
    """None: the step left no record, or one of a version that did not tell the rules."""
    try:
        return msgspec.convert(dict(details), _Record)
    except msgspec.ValidationError:
        return None


def _early_stop(trace: Trace, step: str, vote: _Record, rounds: Sequence[Round]) -> EarlyStop:
    stopped = any(ballot.status == "not_needed" for ballot in vote.ballots)
    saved = 0
    for number, each in enumerate(rounds, 1):
        ballots = [ballot for ballot in vote.ballots if ballot.round == number]
        if any(ballot.status == "not_needed" for ballot in ballots):
            saved += _saved(trace, each, ballots)
        elif not stopped:
            saved += _possible(trace, each, vote, ballots)
    return EarlyStop(step=step, stopped=stopped, saved=saved)


def _saved(trace: Trace, each: Round, ballots: Sequence[_Cast]) -> int:
    """What was left to do of whoever was cut off, if no ballot is quicker than the quickest."""
    served = {agent: _served(trace, ask) for agent, ask in _asks(trace, each)}
    cut = {ballot.voter for ballot in ballots if ballot.status == "not_needed"}
    quickest = min((took for agent, took in served.items() if agent not in cut), default=0)
    return max(0, *(quickest - served.get(agent, 0) for agent in cut))


def _possible(trace: Trace, each: Round, vote: _Record, ballots: Sequence[_Cast]) -> int:
    """From the ballot that decided to the last one."""
    standing = _standing(vote, ballots)
    number = {candidate.key: place for place, candidate in enumerate(vote.candidates)}
    by_voter = {ballot.voter: _ballot(vote, ballot, standing, number) for ballot in ballots}
    by_voter = {name: one for name, one in by_voter.items() if one.voter.eligible}
    closed = {ask.task: agent for agent, ask in _asks(trace, each)}
    ended = [closed.get(last.task, "") for last in each.ended]

    def is_decided(heard: int) -> bool:
        said = {name: by_voter[name] for name in ended[:heard] if name in by_voter}
        waiting = [one.voter for name, one in by_voter.items() if name not in said]
        return decided(
            vote.method, list(said.values()), waiting, standing,
            threshold=vote.rules.threshold, quorum=vote.rules.quorum,
        )  # fmt: skip

    # What is decided stays so, whatever is heard then: few counts find the ballot that did it.
    first = bisect_left(range(1, len(ended) + 1), True, key=is_decided)
    return max(0, each.barrier.end - each.ended[first].end) if first < len(ended) else 0


def _standing(vote: _Record, ballots: Sequence[_Cast]) -> list[int]:
    """All; in a revote those that tied, which alone have scores then."""
    again = bool(ballots) and ballots[0].round > 1
    keys = [candidate.key for candidate in vote.candidates]
    return [place for place, key in enumerate(keys) if not again or key in vote.scores]


def _ballot(vote: _Record, cast: _Cast, standing: Sequence[int], number: dict[str, int]) -> Ballot:
    able = tuple(
        one
        for one in standing
        if vote.rules.self_votes or vote.candidates[one].author != cast.voter
    )
    keys = [cast.vote] if isinstance(cast.vote, str) else cast.vote
    named = None if keys is None else tuple(number[key] for key in keys if key in number)
    voter = Voter(agent=cast.voter, eligible=able, weight=Fraction(str(cast.weight)))
    return Ballot(voter=voter, vote=named)


def _asks(trace: Trace, each: Round) -> Iterator[tuple[str, Span]]:
    """The last call of each branch."""
    for task in each.tasks:
        asks = [span for span in trace.by_task[task] if span.kind == "ask"]
        if asks:
            yield trace.named(asks[-1]).agent, asks[-1]


def _served(trace: Trace, ask: Span) -> int:
    """How long a call had been at work since it last waited in a queue."""
    since = ask.start
    for leaf in trace.leaves[ask.task]:
        if leaf.kind.startswith(_QUEUES) and ask.id < leaf.id < ask.closed:
            since = leaf.end
    return ask.end - since
