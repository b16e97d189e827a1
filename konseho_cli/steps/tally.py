"""Counting votes: pure, exact (fractions, so that a tie is a tie), one rule for every method.

A candidate that a voter may not name (its own) is neither helped nor hurt by that voter's ballot:
shares are taken over the ballots that could have named it, and `approval` and `borda` give it the
average of the others' ballots for the one that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

import msgspec

Method: TypeAlias = Literal[
    "plurality", "majority", "consensus", "weighted", "approval", "borda", "schulze", "moderator"
]
RANKED: frozenset[Method] = frozenset({"borda", "schulze"})
_AVERAGED: frozenset[Method] = frozenset({"approval", "borda"})
_HALF = Fraction(1, 2)


class Voter(msgspec.Struct, frozen=True, kw_only=True):
    """Who may vote, and for whom."""

    agent: str
    eligible: tuple[int, ...]
    """The candidates that it may name, by number."""
    weight: Fraction = Fraction(1)


class Ballot(msgspec.Struct, frozen=True, kw_only=True):
    """What one voter said."""

    voter: Voter
    vote: tuple[int, ...] | None
    """The one chosen, all approved, or all eligible in order, best first; None: it abstained."""
    reason: str = ""
    status: Literal["cast", "abstained", "failed", "not_needed"] = "cast"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What the ballots come to."""

    method: Method
    scores: Mapping[int, Fraction]
    """Votes, weights, approvals, Borda points; for schulze, how many others do not beat it."""
    shares: Mapping[int, Fraction]
    """0 to 1, what a threshold is held against: see `share_of`."""
    leaders: tuple[int, ...]
    """Who has the best score: several are a tie, none means that nobody voted."""
    cast: int
    """Ballots that are not abstentions."""
    paths: Mapping[tuple[int, int], int] = msgspec.field(default_factory=dict)
    """schulze: the strength of the strongest path from one to the other."""


def count(method: Method, ballots: Iterable[Ballot], candidates: Sequence[int]) -> Tally:
    """Count what was cast."""
    cast = [ballot for ballot in ballots if ballot.vote is not None]
    paths: dict[tuple[int, int], int] = {}
    if method == "schulze":
        duels = _duels(cast, candidates)
        paths = strongest_paths(duels, candidates)
        scores = {one: _unbeaten(one, candidates, paths) for one in candidates}
        shares = {one: _narrowest(one, candidates, duels, {}) for one in candidates}
    else:
        scores = {one: _score(method, cast, one, len(candidates)) for one in candidates}
        shares = {one: share_of(method, cast, one) for one in candidates}
    best = max(scores.values(), default=Fraction(0))
    leaders = tuple(one for one in candidates if scores[one] == best) if cast else ()
    return Tally(
        method=method, scores=scores, shares=shares, leaders=leaders, cast=len(cast), paths=paths
    )


def share_of(method: Method, cast: Sequence[Ballot], candidate: int) -> Fraction:
    """The weight for it among the ballots that could name it; for borda, the mean support."""
    able = [ballot for ballot in cast if candidate in ballot.voter.eligible]
    return _ratio(
        sum((ballot.voter.weight * _support(method, ballot, candidate) for ballot in able), _ZERO),
        sum((ballot.voter.weight for ballot in able), _ZERO),
    )


def reaches(method: Method, share: Fraction, threshold: float | None) -> bool:
    """Whether a share is enough to win."""
    if method == "majority" and share <= _HALF:
        return False
    if threshold is None:
        return method != "consensus" or share >= 1
    return share >= Fraction(str(threshold))


def decided(
    method: Method,
    ballots: Sequence[Ballot],
    waiting: Sequence[Voter],
    candidates: Sequence[int],
    *,
    threshold: float | None = None,
    quorum: int | None = None,
) -> bool:
    """Whether the leader wins, alone, whatever those still `waiting` do (abstaining included)."""
    tally = count(method, ballots, candidates)
    if method == "moderator" or len(tally.leaders) != 1 or tally.cast < (quorum or 1):
        return False
    leader = tally.leaders[0]
    cast = [ballot for ballot in ballots if ballot.vote is not None]
    rivals = [one for one in candidates if one != leader]
    if method == "schulze":
        return _safe_condorcet(cast, waiting, leader, rivals, threshold)
    least_share = _ratio(
        share_of(method, cast, leader) * _weight_on(leader, [b.voter for b in cast]),
        _weight_on(leader, [*(b.voter for b in cast), *waiting]),
    )
    if not reaches(method, least_share, threshold):
        return False
    least, _ = _bounds(method, cast, waiting, leader)
    return all(_bounds(method, cast, waiting, rival)[1] < least for rival in rivals)


# ------------------------------------------------------------------- one candidate on one ballot

_ZERO = Fraction(0)


def _ratio(part: Fraction, whole: Fraction) -> Fraction:
    return part / whole if whole else _ZERO


def _support(method: Method, ballot: Ballot, candidate: int) -> Fraction:
    """From 0 to 1; a ranking gives 1 to its first, 0 to its last, and even steps between."""
    vote = ballot.vote or ()
    if method != "borda":
        return Fraction(candidate in vote)
    # A ranking of one says nothing for it or against it.
    return Fraction(len(vote) - 1 - vote.index(candidate), len(vote) - 1) if vote[1:] else _HALF


def _score(method: Method, cast: Sequence[Ballot], candidate: int, candidates: int) -> Fraction:
    if method not in _AVERAGED:
        able = (ballot for ballot in cast if candidate in ballot.voter.eligible)
        return sum(
            (ballot.voter.weight * _support(method, ballot, candidate) for ballot in able), _ZERO
        )
    # Where every ballot can name every candidate, these are the plain approvals and Borda points.
    scale = len(cast) * (candidates - 1 if method == "borda" else 1)
    return share_of(method, cast, candidate) * scale


def _bounds(
    method: Method, cast: Sequence[Ballot], waiting: Sequence[Voter], candidate: int
) -> tuple[Fraction, Fraction]:
    """The worst and the best that can still become of it, comparable between candidates."""
    to_come = _weight_on(candidate, waiting)
    if method not in _AVERAGED:
        now = _score(method, cast, candidate, 0)
        return now, now + to_come
    able = _weight_on(candidate, [ballot.voter for ballot in cast])
    now = share_of(method, cast, candidate) * able
    return _ratio(now, able + to_come), _ratio(now + to_come, able + to_come)


def _weight_on(candidate: int, voters: Iterable[Voter]) -> Fraction:
    return sum((voter.weight for voter in voters if candidate in voter.eligible), _ZERO)


# ---------------------------------------------------------------------- Schulze 2011, section 2


def _duels(cast: Sequence[Ballot], candidates: Sequence[int]) -> dict[tuple[int, int], int]:
    """How many ballots rank the first above the second."""
    duels = {(a, b): 0 for a in candidates for b in candidates if a != b}
    for ballot in cast:
        vote = ballot.vote or ()
        for place, above in enumerate(vote):
            for below in vote[place + 1 :]:
                duels[above, below] += 1
    return duels


def strongest_paths(
    duels: Mapping[tuple[int, int], int], candidates: Sequence[int]
) -> dict[tuple[int, int], int]:
    """Section 2.3's algorithm, strength measured by winning votes (section 2.1)."""
    paths = {pair: won if won > duels[pair[::-1]] else 0 for pair, won in duels.items()}
    for via in candidates:
        for a in candidates:
            first = paths.get((a, via), 0)
            if not first:
                continue
            for b in candidates:
                if b in (a, via):
                    continue
                paths[a, b] = max(paths[a, b], min(first, paths[via, b]))
    return paths


def _unbeaten(
    one: int, candidates: Sequence[int], paths: Mapping[tuple[int, int], int]
) -> Fraction:
    return Fraction(
        sum(paths[one, other] >= paths[other, one] for other in candidates if other != one)
    )


def _narrowest(
    one: int,
    candidates: Sequence[int],
    duels: Mapping[tuple[int, int], int],
    to_come: Mapping[int, int],
) -> Fraction:
    """The share of ballots that put it above the rival that comes nearest to it."""
    return min(
        (
            _ratio(
                Fraction(duels[one, other]),
                Fraction(duels[one, other] + duels[other, one] + to_come.get(other, 0)),
            )
            for other in candidates
            if other != one
        ),
        default=Fraction(1),
    )


def _safe_condorcet(
    cast: Sequence[Ballot],
    waiting: Sequence[Voter],
    leader: int,
    rivals: Sequence[int],
    threshold: float | None,
) -> bool:
    """Whether it wins every duel for certain: a Condorcet winner is the Schulze winner."""
    candidates = [leader, *rivals]
    duels = _duels(cast, candidates)
    to_come = {
        rival: sum(leader in voter.eligible and rival in voter.eligible for voter in waiting)
        for rival in rivals
    }
    wins = all(duels[leader, rival] > duels[rival, leader] + to_come[rival] for rival in rivals)
    return wins and reaches("schulze", _narrowest(leader, candidates, duels, to_come), threshold)
