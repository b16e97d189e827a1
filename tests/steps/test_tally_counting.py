"""The count that grows ballot by ballot, held against one that counts everything anew."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.steps.tally import RANKED, Ballot, Counting, Voter, count, reaches

METHODS = ("plurality", "majority", "consensus", "weighted", "approval", "borda", "schulze")


@st.composite
def votes_held(draw):
    """A method, candidates, and ballots in the order in which they come in."""
    method = draw(st.sampled_from(METHODS))
    candidates = range(draw(st.integers(1, 4)))
    ballots = []
    for number in range(draw(st.integers(1, 14))):
        able = [one for one in candidates if draw(st.booleans()) or one != number % len(candidates)]
        weight = draw(st.sampled_from(["1", "0", "0.1", "2.5"])) if method == "weighted" else "1"
        order = draw(st.permutations(able))
        if method not in RANKED:
            order = order[: draw(st.integers(0, len(able))) if method == "approval" else 1]
        vote = tuple(order) if able and draw(st.integers(0, 5)) else None
        voter = Voter(agent=f"v{number}", eligible=tuple(able), weight=Fraction(weight))
        ballots.append(Ballot(voter=voter, vote=vote))
    return method, candidates, ballots


# ------------------------------------------------------------------------- counting in plain words


def support(method, ballot, one):
    if method != "borda":
        return Fraction(one in ballot.vote)
    if len(ballot.vote) == 1:
        return Fraction(1, 2)
    return 1 - Fraction(ballot.vote.index(one), len(ballot.vote) - 1)


def weight_on(one, voters):
    return sum((voter.weight for voter in voters if one in voter.eligible), Fraction(0))


def got(method, cast, one):
    able = [ballot for ballot in cast if one in ballot.voter.eligible]
    return sum((b.voter.weight * support(method, b, one) for b in able), Fraction(0))


def share(method, cast, one, more=()):
    whole = weight_on(one, [*(ballot.voter for ballot in cast), *more])
    return got(method, cast, one) / whole if whole else Fraction(0)


def best_of(method, cast, waiting, one):
    extra = weight_on(one, waiting)
    if method not in ("approval", "borda"):
        return got(method, cast, one) + extra
    whole = weight_on(one, [*(ballot.voter for ballot in cast), *waiting])
    return (got(method, cast, one) + extra) / whole if whole else Fraction(0)


def worst_of(method, cast, waiting, one):
    if method not in ("approval", "borda"):
        return got(method, cast, one)
    return share(method, cast, one, waiting)


def wins_all_duels(cast, waiting, one, rivals, threshold):
    shares = [Fraction(1)]
    for rival in rivals:
        both = [ballot.vote for ballot in cast if {one, rival} <= set(ballot.vote)]
        won = sum(vote.index(one) < vote.index(rival) for vote in both)
        against = len(both) - won + sum({one, rival} <= set(v.eligible) for v in waiting)
        if won <= against:
            return False
        shares.append(Fraction(won, won + against))
    return reaches("schulze", min(shares), threshold)


def plainly_decided(method, ballots, waiting, candidates, threshold, quorum):
    """By the definition: one is ahead now, and stays so whatever is still to come."""
    cast = [ballot for ballot in ballots if ballot.vote is not None]
    leaders = count(method, ballots, candidates).leaders
    if len(leaders) != 1 or len(cast) < (quorum or 1):
        return False
    (leader,) = leaders
    rivals = [one for one in candidates if one != leader]
    if method == "schulze":
        return wins_all_duels(cast, waiting, leader, rivals, threshold)
    if not reaches(method, share(method, cast, leader, waiting), threshold):
        return False
    least = worst_of(method, cast, waiting, leader)
    return all(best_of(method, cast, waiting, rival) < least for rival in rivals)


# ------------------------------------------------------------------------------------------- laws


@settings(max_examples=400)
@given(votes_held(), st.sampled_from([None, 0.3, 0.5, 0.6, 1.0]), st.sampled_from([None, 1, 3, 8]))
def test_after_each_ballot_it_is_decided_exactly_when_the_plain_count_says_so(
    held, threshold, quorum
):
    method, candidates, ballots = held
    counting = Counting(method, candidates, [ballot.voter for ballot in ballots])
    for heard, ballot in enumerate(ballots, 1):
        counting.hear(ballot)
        waiting = [one.voter for one in ballots[heard:]]
        assert counting.is_decided(threshold=threshold, quorum=quorum) == plainly_decided(
            method, ballots[:heard], waiting, candidates, threshold, quorum
        )


@given(votes_held())
def test_shares_and_scores_are_those_of_the_plain_count(held):
    method, candidates, ballots = held
    cast = [ballot for ballot in ballots if ballot.vote is not None]
    tally = count(method, ballots, candidates)
    if method == "schulze":
        return
    assert tally.shares == {one: share(method, cast, one) for one in candidates}
    if method not in ("approval", "borda"):
        assert tally.scores == {one: got(method, cast, one) for one in candidates}


@given(votes_held())
def test_the_order_in_which_ballots_come_in_does_not_matter(held):
    method, candidates, ballots = held
    assert count(method, ballots[::-1], candidates) == count(method, ballots, candidates)


@pytest.mark.parametrize("method", METHODS)
def test_a_ballot_takes_the_same_work_however_many_were_heard(method):
    """Whole numbers alone are kept: nothing that grows with the voters."""
    voter = Voter(agent="v", eligible=(0, 1, 2))
    counting = Counting(method, range(3), [voter] * 500)
    for _ in range(100):
        vote = (0, 1, 2) if method in RANKED else (0,)
        counting.hear(Ballot(voter=voter, vote=vote))
        assert not counting.is_decided(threshold=None, quorum=None)
    held = [value for value in vars(counting).values() if hasattr(value, "__len__")]
    assert max(len(value) for value in held if not isinstance(value, str)) <= 3
