from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from konseho_cli.steps.tally import RANKED, Ballot, Voter, count, decided, reaches

METHODS = ("plurality", "majority", "consensus", "weighted", "approval", "borda", "schulze")
CHOICE = ("plurality", "majority", "consensus", "weighted")


def ballot(method, vote, *, eligible=None, weight=1, candidates=3):
    eligible = tuple(range(candidates)) if eligible is None else tuple(eligible)
    return Ballot(
        voter=Voter(agent="v", eligible=eligible, weight=Fraction(str(weight))), vote=vote
    )


def votes_of(method, eligible):
    """Every ballot that this voter could cast, abstention first."""
    if method in RANKED:
        return [None, *permutations(eligible)]
    if method == "approval":
        choices = product((False, True), repeat=len(eligible))
        return [
            None,
            *(
                tuple(one for one, yes in zip(eligible, mask, strict=True) if yes)
                for mask in choices
            ),
        ]
    return [None, *((one,) for one in eligible)]


@st.composite
def elections(draw, methods=METHODS, most=4, voters=6, own=True):
    method = draw(st.sampled_from(methods))
    candidates = draw(st.integers(2, most))
    ballots = []
    for number in range(draw(st.integers(1, voters))):
        everybody = list(range(candidates))
        if own and draw(st.booleans()):
            everybody.remove(number % candidates)
        weight = draw(st.sampled_from([1, 2, "0.1", "0.2", "0.3"])) if method == "weighted" else 1
        vote = draw(st.sampled_from(votes_of(method, everybody)))
        ballots.append(ballot(method, vote, eligible=everybody, weight=weight))
    return method, candidates, ballots


def renamed(ballots, names):
    return [
        replace(
            one,
            voter=replace(one.voter, eligible=tuple(names[c] for c in one.voter.eligible)),
            vote=None if one.vote is None else tuple(names[c] for c in one.vote),
        )
        for one in ballots
    ]


# ------------------------------------------------------------------------------------------- laws


@given(elections(), st.randoms())
def test_neutrality_renaming_the_candidates_renames_the_result(election, random):
    method, candidates, ballots = election
    names = list(range(candidates))
    random.shuffle(names)
    before = count(method, ballots, range(candidates))
    after = count(method, renamed(ballots, names), range(candidates))
    assert set(after.leaders) == {names[one] for one in before.leaders}
    assert after.scores == {names[one]: score for one, score in before.scores.items()}
    assert after.shares == {names[one]: share for one, share in before.shares.items()}


@given(elections(), st.randoms())
def test_anonymity_the_order_of_the_ballots_does_not_matter(election, random):
    method, candidates, ballots = election
    before = count(method, ballots, range(candidates))
    random.shuffle(ballots)
    assert count(method, ballots, range(candidates)) == before


@given(elections(methods=("plurality", "majority", "consensus", "schulze"), own=False))
def test_who_is_first_on_more_than_half_of_the_ballots_wins(election):
    method, candidates, ballots = election
    cast = [one for one in ballots if one.vote]
    firsts = [one.vote[0] for one in cast]
    favourite = max(range(candidates), key=firsts.count)
    assume(cast and 2 * firsts.count(favourite) > len(cast))
    tally = count(method, ballots, range(candidates))
    assert tally.leaders == (favourite,)
    assert reaches("majority", count("majority", cast, range(candidates)).shares[favourite], None)


def test_borda_may_pass_over_the_favourite_of_a_majority():
    ballots = [ballot("borda", (0, 1, 2))] * 3 + [ballot("borda", (1, 2, 0))] * 2
    assert count("borda", ballots, range(3)).leaders == (1,)


@given(elections(methods=("schulze",), voters=9))
def test_a_condorcet_winner_wins_under_schulze(election):
    method, candidates, ballots = election

    def beats(one, other):
        both = [b.vote for b in ballots if b.vote and {one, other} <= set(b.vote)]
        above = sum(vote.index(one) < vote.index(other) for vote in both)
        return 2 * above > len(both)

    winners = [
        one
        for one in range(candidates)
        if all(beats(one, other) for other in range(candidates) if other != one)
    ]
    assume(winners)
    assert list(count(method, ballots, range(candidates)).leaders) == winners


@given(elections(methods=("schulze",), own=False))
def test_schulze_always_finds_somebody_whom_nobody_beats(election):
    method, candidates, ballots = election
    assume(any(one.vote for one in ballots))
    tally = count(method, ballots, range(candidates))
    assert tally.leaders
    assert all(tally.scores[one] == candidates - 1 for one in tally.leaders)


@given(elections(voters=5, most=3), st.data())
def test_early_stop_never_changes_the_winner(election, data):
    method, candidates, ballots = election
    threshold = data.draw(st.sampled_from([None, 0.5, 0.6, 1.0]))
    quorum = data.draw(st.sampled_from([None, 1, 2, 3]))
    known = data.draw(st.integers(max(0, len(ballots) - 3), len(ballots)))
    seen, waiting = ballots[:known], [one.voter for one in ballots[known:]]
    everybody = range(candidates)
    if not decided(method, seen, waiting, everybody, threshold=threshold, quorum=quorum):
        return
    leader = count(method, seen, everybody).leaders
    for votes in product(*(votes_of(method, voter.eligible) for voter in waiting)):
        rest = [Ballot(voter=v, vote=vote) for v, vote in zip(waiting, votes, strict=True)]
        tally = count(method, [*seen, *rest], everybody)
        assert tally.leaders == leader
        assert reaches(method, tally.shares[leader[0]], threshold)
        assert tally.cast >= (quorum or 1)


@settings(max_examples=300)
@given(elections(voters=12), st.data())
def test_what_is_decided_stays_so_whatever_is_heard_then(election, data):
    """Who asks when it was decided may therefore bisect."""
    method, candidates, ballots = election
    threshold = data.draw(st.sampled_from([None, 0.3, 0.5, 0.6, 1.0]))
    quorum = data.draw(st.sampled_from([None, 1, 3, 8]))
    found = [
        decided(
            method, ballots[:known], [one.voter for one in ballots[known:]], range(candidates),
            threshold=threshold, quorum=quorum,
        )
        for known in range(len(ballots) + 1)
    ]  # fmt: skip
    assert found == sorted(found)


@pytest.mark.parametrize("method", [one for one in METHODS if one != "consensus"])
def test_an_uncatchable_lead_is_recognised(method):
    vote = (0, 1, 2) if method in RANKED else (0,)
    seen = [ballot(method, vote)] * 4
    waiting = [ballot(method, None).voter]
    assert decided(method, seen, waiting, range(3))
    assert not decided(method, seen[:1], waiting * 4, range(3))


def test_a_consensus_waits_for_every_ballot():
    seen = [ballot("consensus", (0,))] * 4
    assert not decided("consensus", seen, [seen[0].voter], range(3))
    assert decided("consensus", seen, [], range(3))


@given(elections(methods=("weighted",)), st.sampled_from(["0.1", "3", "7.25", "1000"]))
def test_scaling_all_weights_changes_nothing_but_the_scores(election, factor):
    method, candidates, ballots = election
    scaled = [
        replace(one, voter=replace(one.voter, weight=one.voter.weight * Fraction(factor)))
        for one in ballots
    ]
    before = count(method, ballots, range(candidates))
    after = count(method, scaled, range(candidates))
    assert after.leaders == before.leaders
    assert after.shares == before.shares


@given(elections(methods=("weighted",)), st.integers(0, 5))
def test_more_weight_for_a_leaders_voter_never_unseats_it(election, which):
    method, candidates, ballots = election
    tally = count(method, ballots, range(candidates))
    which %= len(ballots)
    chosen = ballots[which].vote
    assume(chosen and chosen[0] in tally.leaders)
    heavier = replace(ballots[which].voter, weight=ballots[which].voter.weight + 1)
    ballots = [*ballots]
    ballots[which] = replace(ballots[which], voter=heavier)
    assert count(method, ballots, range(candidates)).leaders == chosen


@given(elections(methods=("borda",), own=False))
def test_borda_points_are_the_plain_ones_where_everybody_ranks_everybody(election):
    method, candidates, ballots = election
    cast = [one.vote for one in ballots if one.vote]
    points = {
        one: sum(candidates - 1 - vote.index(one) for vote in cast) for one in range(candidates)
    }
    assert count(method, ballots, range(candidates)).scores == points


# --------------------------------------------------------------------------------- single matters


def test_schulze_solves_the_papers_first_example():
    """Schulze 2011, section 3.1: 21 voters, four candidates a to d; d wins, d > a > c > b."""
    ranked = {"acdb": 8, "badc": 2, "cdba": 4, "dbac": 4, "dcba": 3}
    ballots = [
        ballot("schulze", tuple("abcd".index(letter) for letter in order), candidates=4)
        for order, times in ranked.items()
        for _ in range(times)
    ]
    tally = count("schulze", ballots, range(4))
    assert tally.leaders == (3,)
    assert sorted(range(4), key=lambda one: -tally.scores[one]) == [3, 0, 2, 1]
    assert tally.paths[3, 0] == 13  # from d by way of b: 19 and 13
    assert tally.paths[0, 3] == 12  # from a by way of c: 14 and 12


def test_an_own_candidate_gets_the_average_of_the_ballots_that_could_rank_it():
    ballots = [
        ballot("borda", (1, 2), eligible=(1, 2)),
        ballot("borda", (0, 2), eligible=(0, 2)),
        ballot("borda", (0, 1), eligible=(0, 1)),
    ]
    tally = count("borda", ballots, range(3))
    assert tally.scores == {0: 6, 1: 3, 2: 0}  # 2 points a ballot, three ballots


def test_weights_that_sum_alike_in_decimals_tie_exactly():
    ballots = [
        ballot("weighted", (0,), weight="0.1"),
        ballot("weighted", (0,), weight="0.2"),
        ballot("weighted", (1,), weight="0.3"),
    ]
    assert count("weighted", ballots, range(2)).leaders == (0, 1)


def test_a_share_is_taken_over_the_ballots_that_could_name_it():
    ballots = [
        ballot("consensus", (1,), eligible=(1, 2)),
        ballot("consensus", (0,), eligible=(0, 2)),
        ballot("consensus", (0,), eligible=(0, 1)),
    ]
    assert count("consensus", ballots, range(3)).shares[0] == 1


@pytest.mark.parametrize("method", METHODS)
def test_nobody_leads_where_all_abstain(method):
    tally = count(method, [ballot(method, None)] * 3, range(3))
    assert tally.leaders == ()
    assert tally.cast == 0
    assert not decided(method, [ballot(method, None)], [], range(3))


def test_half_is_no_majority():
    assert not reaches("majority", Fraction(1, 2), None)
    assert not reaches("majority", Fraction(1, 2), 0.5)
    assert reaches("majority", Fraction(51, 100), 0.5)
    assert not reaches("majority", Fraction(3, 5), 0.66)


def test_a_threshold_that_is_met_exactly_is_met():
    assert reaches("plurality", Fraction(1, 10), 0.1)
    assert reaches("consensus", Fraction(4, 5), 0.8)
    assert not reaches("consensus", Fraction(4, 5), None)
