"""Counting votes: exact (whole numbers, so that a tie is a tie), one rule for every method.

A candidate that a voter may not name (its own) is neither helped nor hurt by that voter's ballot:
shares are taken over the ballots that could have named it, and `approval` and `borda` give it the
average of the others' ballots for the one that is missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.steps.schulze import fight, narrowest, no_duels, strongest_paths, unbeaten

Method: TypeAlias = Literal[
    "plurality", "majority", "consensus", "weighted", "approval", "borda", "schulze", "moderator"
]
RANKED: frozenset[Method] = frozenset({"borda", "schulze"})
_AVERAGED: frozenset[Method] = frozenset({"approval", "borda"})
_HALF = Fraction(1, 2)
_ZERO = Fraction(0)


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
    """0 to 1, what a threshold is held against: the weight for it among the ballots
    that could name it; for borda the mean support, for schulze that of its narrowest duel."""
    leaders: tuple[int, ...]
    """Who has the best score: several are a tie, none means that nobody voted."""
    cast: int
    """Ballots that are not abstentions."""
    paths: Mapping[tuple[int, int], int] = msgspec.field(default_factory=dict)
    """schulze: the strength of the strongest path from one to the other."""


def count(method: Method, ballots: Iterable[Ballot], candidates: Sequence[int]) -> Tally:
    """Count what was cast."""
    ballots = tuple(ballots)
    counting = Counting(method, candidates, [ballot.voter for ballot in ballots])
    for ballot in ballots:
        counting.hear(ballot)
    return counting.tally()


def decided(
    method: Method,
    ballots: Iterable[Ballot],
    waiting: Sequence[Voter],
    candidates: Sequence[int],
    *,
    threshold: float | None = None,
    quorum: int | None = None,
) -> bool:
    """Whether the leader wins, alone, whatever those still `waiting` do (abstaining included)."""
    ballots = tuple(ballots)
    voters = [*(ballot.voter for ballot in ballots), *waiting]
    counting = Counting(method, candidates, voters)
    for ballot in ballots:
        counting.hear(ballot)
    return counting.is_decided(threshold=threshold, quorum=quorum)


def reaches(method: Method, share: Fraction, threshold: float | None) -> bool:
    """Whether a share is enough to win."""
    if method == "majority" and share <= _HALF:
        return False
    if threshold is None:
        return method != "consensus" or share >= 1
    return share >= Fraction(str(threshold))


class Counting:
    """A vote while it is held: each ballot is added once, however often it is asked who wins.

    Weights and supports are whole numbers of units of their own, so that sums are exact and quick.
    """

    def __init__(self, method: Method, candidates: Sequence[int], voters: Iterable[Voter]) -> None:
        """`voters`: all who are asked; nobody is heard yet."""
        self._method = method
        self._candidates = candidates
        waiting = Counter((voter.eligible, voter.weight) for voter in voters)
        self._whole = lcm(*(weight.denominator for _, weight in waiting))
        """Units in a weight of 1."""
        self._full = lcm(2, *(max(1, len(able) - 1) for able, _ in waiting))
        """Units in a support of 1."""
        self._cast = 0
        self._for: defaultdict[int, int] = defaultdict(int)
        """Weight times support."""
        self._able: defaultdict[int, int] = defaultdict(int)
        """The weight of the ballots that could name it."""
        self._to_come: defaultdict[int, int] = defaultdict(int)
        """The weight of those not heard that may name it."""
        self._pairs: Counter[tuple[int, ...]] = Counter()
        """Of those not heard, how many may rank the same."""
        self._duels = no_duels(candidates) if method == "schulze" else {}
        for (able, weight), many in waiting.items():
            self._pairs[able] += many
            for one in able:
                self._to_come[one] += many * self._units(weight)

    def hear(self, ballot: Ballot) -> None:
        """Add what one of the voters said; each is heard once."""
        voter, vote = ballot.voter, ballot.vote
        weight = self._units(voter.weight)
        self._pairs[voter.eligible] -= 1
        for one in voter.eligible:
            self._to_come[one] -= weight
        if vote is None:
            return
        self._cast += 1
        for one in voter.eligible:
            self._able[one] += weight
        if self._method == "schulze":
            fight(self._duels, vote)
        for one, support in zip(vote, self._supports(len(vote)), strict=True):
            self._for[one] += weight * support

    def tally(self) -> Tally:
        """What the ballots come to that were heard."""
        candidates, paths = self._candidates, {}
        if self._method == "schulze":
            paths = strongest_paths(self._duels)
            scores = {one: unbeaten(one, candidates, paths) for one in candidates}
            shares = {one: narrowest(one, self._duels, {}) for one in candidates}
        else:
            shares = {one: self._share(one, self._able[one]) for one in candidates}
            scores = {one: self._score(one, shares[one]) for one in candidates}
        best = max(scores.values(), default=_ZERO)
        leaders = tuple(one for one in candidates if scores[one] == best) if self._cast else ()
        return Tally(
            method=self._method, scores=scores, shares=shares, leaders=leaders, cast=self._cast,
            paths=paths,
        )  # fmt: skip

    def is_decided(self, *, threshold: float | None, quorum: int | None) -> bool:
        """Whether the leader wins, alone, whatever those do who were not heard."""
        if self._method == "moderator" or self._cast < (quorum or 1):
            return False
        if self._method == "schulze":
            return self._safe_condorcet(threshold)
        leader = self._leader()
        if not self._is_uncatchable(leader):
            return False
        least = self._share(leader, self._able[leader] + self._to_come[leader])
        return reaches(self._method, least, threshold)

    def _units(self, weight: Fraction) -> int:
        return weight.numerator * (self._whole // weight.denominator)

    def _supports(self, named: int) -> Iterable[int]:
        """By place; a ranking gives all to its first, nothing to its last, even steps between."""
        if self._method != "borda":
            return (self._full,) * named
        if named < 2:
            return (self._full // 2,) * named  # a ranking of one says nothing for or against it
        step = self._full // (named - 1)
        return range(self._full, -1, -step)

    def _share(self, one: int, of: int) -> Fraction:
        return Fraction(self._for[one], of * self._full) if of else _ZERO

    def _score(self, one: int, share: Fraction) -> Fraction:
        if self._method not in _AVERAGED:
            return Fraction(self._for[one], self._full * self._whole)
        # Where every ballot can name every candidate, these are the plain approvals and points.
        return share * self._cast * (len(self._candidates) - 1 if self._method == "borda" else 1)

    # ------------------------------------------------------------------ what can still happen

    def _leader(self) -> int:
        """Who has the best score, the first of those that tie."""
        if self._method not in _AVERAGED:
            return max(self._candidates, key=self._for.__getitem__)
        leader = self._candidates[0]
        for one in self._candidates:
            ahead = self._for[one] * (self._able[leader] or 1)
            if ahead > self._for[leader] * (self._able[one] or 1):
                leader = one
        return leader

    def _is_uncatchable(self, leader: int) -> bool:
        """Whether the worst for it is better than the best for any other."""
        least, of = self._for[leader], self._able[leader] + self._to_come[leader]
        for rival in self._candidates:
            if rival == leader:
                continue
            most = self._for[rival] + self._to_come[rival] * self._full
            if self._method in _AVERAGED:
                if most * (of or 1) >= least * (self._able[rival] + self._to_come[rival] or 1):
                    return False
            elif most >= least:
                return False
        return True

    def _safe_condorcet(self, threshold: float | None) -> bool:
        """Whether one wins every duel for certain: a Condorcet winner is the Schulze winner."""
        for one in self._candidates:
            to_come = self._safe_duels(one)
            if to_come is not None:
                return reaches("schulze", narrowest(one, self._duels, to_come), threshold)
        return False

    def _safe_duels(self, one: int) -> Mapping[int, int] | None:
        """By rival, the ballots to come that could rank both; None: they could turn a duel."""
        found = {}
        for rival, won in self._duels[one].items():
            lead = won - self._duels[rival][one]
            if lead <= 0:
                return None
            found[rival] = sum(
                many for able, many in self._pairs.items() if one in able and rival in able
            )
            if lead <= found[rival]:
                return None
        return found
