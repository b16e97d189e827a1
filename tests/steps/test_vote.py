from __future__ import annotations

import asyncio
import re

import pytest

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import BudgetReached, InvalidReply, StepFailed
from konseho_cli.steps.vote import Vote

TEXTS = {"ann": "Use tabs.", "bob": "Use spaces.", "cat": "Use neither."}
OUTSIDERS = ("x", "y", "z")
FIELDS = {"choice", "approved", "ranking"}


def shown(asked):
    """Text → label, as the prompt shows them."""
    found = re.findall(r'<candidate label="(.+?)">\n(.*?)\n</candidate>', asked.prompt, re.DOTALL)
    return {text: label for label, text in found}


def votes(wishes, reason="because"):
    """agent → the text it wants (a list where the ballot is one, None abstains), by the paper."""

    def answer(asked):
        wish = wishes[asked.agent]
        if isinstance(wish, Exception):
            raise wish
        if isinstance(wish, tuple):
            wish = wish[asked.turn]
        labels = shown(asked)
        (field,) = FIELDS & asked.schema["properties"].keys()
        vote = [labels[text] for text in wish] if isinstance(wish, list) else labels.get(wish)
        return {"reason": f"{reason} of {asked.agent}", field: vote}

    return answer


def vote(**given):
    given.setdefault("voters", OUTSIDERS)
    given.setdefault("candidates", "{{ answers }}")
    return Vote(**given)


def held(confer, step, wishes, candidates=TEXTS, **given):
    return confer(step, votes(wishes), names={"task": "Indent?", "answers": candidates}, **given)


def test_most_votes_win(confer):
    result, ctx = held(confer, vote(), {"x": "Use tabs.", "y": "Use spaces.", "z": "Use tabs."})
    assert result.value["winner"] == "Use tabs."
    assert result.value["author"] == "ann"
    assert result.value["scores"] == {"ann": 2, "bob": 1, "cat": 0}
    assert result.value["method"] == "plurality"
    assert result.value["tie"] is None
    assert result.value["abstentions"] == 0
    assert ctx.reasons == []


def test_every_ballot_and_dissent_is_on_record(confer):
    result, _ = held(confer, vote(), {"x": "Use tabs.", "y": "Use spaces.", "z": "Use tabs."})
    assert [(one["voter"], one["vote"], one["status"]) for one in result.value["ballots"]] == [
        ("x", "ann", "cast"), ("y", "bob", "cast"), ("z", "ann", "cast"),
    ]  # fmt: skip
    assert result.value["dissent"] == [
        {"voter": "y", "vote": "bob", "reason": "because of y"},
    ]
    assert result.details["winner"] == "ann"
    shown_later = {part.label: part.text for part in result.parts}
    assert shown_later["winner: ann"] == "Use tabs."
    assert "ann: 2" in shown_later["tally"]
    assert shown_later["dissent of y"] == "bob. because of y"


def test_voters_see_whole_candidates_but_no_authors(confer):
    texts = {"ann": "word " * 5_000 + "the end", "bob": "short"}
    _, ctx = held(confer, vote(), dict.fromkeys(OUTSIDERS, "short"), texts)
    assert all(texts["ann"] in asked.prompt for asked in ctx.asked)
    assert not any(re.search(r"\b(ann|bob)\b", asked.prompt) for asked in ctx.asked)
    assert "Indent?" in ctx.asked[0].prompt


def test_authors_are_shown_where_the_vote_is_not_anonymous(confer):
    _, ctx = held(confer, vote(anonymous=False), dict.fromkeys(OUTSIDERS, "Use tabs."))
    assert shown(ctx.asked[0])["Use tabs."] == "ann"


def test_the_order_is_shuffled_for_each_voter_and_repeats_by_seed(confer):
    texts = {f"a{number}": f"text {number}" for number in range(8)}
    wishes = dict.fromkeys(OUTSIDERS, "text 0")
    orders = [
        [list(shown(asked)) for asked in held(confer, vote(), wishes, texts, seed=seed)[1].asked]
        for seed in (1, 1, 2)
    ]
    assert len({tuple(order) for order in orders[0]}) == 3
    assert orders[0] == orders[1] != orders[2]


def test_letters_do_not_tell_the_order_of_the_file(confer):
    texts = {f"a{number}": f"text {number}" for number in range(8)}
    _, ctx = held(confer, vote(), dict.fromkeys(OUTSIDERS, "text 0"), texts)
    labels = [shown(asked) for asked in ctx.asked]
    assert labels[0] == labels[1] == labels[2]  # a reason that names B means the same B
    assert [labels[0][f"text {number}"] for number in range(8)] != list("ABCDEFGH")


def test_nobody_is_offered_its_own_candidate(confer):
    wishes = {"ann": "Use spaces.", "bob": "Use tabs.", "cat": "Use tabs."}
    result, ctx = held(confer, vote(voters=("ann", "bob", "cat")), wishes)
    for asked in ctx.asked:
        assert TEXTS[asked.agent] not in shown(asked)
        labels = asked.schema["properties"]["choice"]["enum"]
        assert set(labels) == {*shown(asked).values(), None}
    assert result.value["author"] == "ann"
    assert result.value["dissent"] == []  # ann could not have voted for it


def test_self_votes_may_be_allowed(confer):
    voters = ("ann", "bob", "cat")
    _, ctx = held(confer, vote(voters=voters, self_votes=True), TEXTS)
    assert all(TEXTS[asked.agent] in shown(asked) for asked in ctx.asked)


def test_who_has_only_its_own_to_vote_for_abstains_unasked(confer):
    step = vote(voters=("ann", "x"))
    result, ctx = held(confer, step, {"x": "Use tabs."}, {"ann": "Use tabs."})
    assert [asked.agent for asked in ctx.asked] == ["x"]
    assert result.value["abstentions"] == 1


def test_a_ranking_asks_for_all_labels_once(confer):
    order = ["Use neither.", "Use tabs.", "Use spaces."]
    result, ctx = held(confer, vote(method="borda"), dict.fromkeys(OUTSIDERS, order))
    ranking = ctx.asked[0].schema["properties"]["ranking"]
    assert (ranking["minItems"], ranking["maxItems"], ranking["uniqueItems"]) == (3, 3, True)
    assert result.value["scores"] == {"ann": 3, "bob": 0, "cat": 6}
    assert result.value["ballots"][0]["vote"] == ["cat", "ann", "bob"]


@pytest.mark.parametrize("method", ["borda", "schulze"])
def test_ranked_methods_find_the_first_of_all(confer, method):
    order = ["Use spaces.", "Use neither.", "Use tabs."]
    result, _ = held(confer, vote(method=method), dict.fromkeys(OUTSIDERS, order))
    assert result.value["author"] == "bob"


def test_approval_counts_everything_that_is_accepted(confer):
    wishes = {"x": ["Use tabs.", "Use spaces."], "y": ["Use spaces."], "z": []}
    result, _ = held(confer, vote(method="approval"), wishes)
    assert result.value["scores"] == {"ann": 1, "bob": 2, "cat": 0}
    assert [one["voter"] for one in result.value["dissent"]] == ["z"]
    assert result.value["abstentions"] == 0


def test_weights_count_in_a_weighted_vote_only(confer):
    agents = {"x": Agent(name="x", weight=3)}
    wishes = {"x": "Use tabs.", "y": "Use spaces.", "z": "Use spaces."}
    weighted, _ = held(confer, vote(method="weighted"), wishes, agents=agents)
    plain, _ = held(confer, vote(), wishes, agents=agents)
    assert weighted.value["author"] == "ann"
    assert weighted.value["ballots"][0]["weight"] == 3
    assert plain.value["author"] == "bob"


def test_a_list_has_places_in_place_of_authors(confer):
    step = vote(candidates=["tabs", "{{ answers.bob }}", {"width": 4}])
    result, _ = held(confer, step, dict.fromkeys(OUTSIDERS, '{"width": 4}'))
    assert result.value["winner"] == {"width": 4}
    assert result.value["author"] is None
    assert result.value["scores"] == {"1": 0, "2": 0, "3": 3}
    assert step.references() == {"candidates": frozenset({"answers.bob"})}


# ------------------------------------------------------------------------- abstentions and failures


def test_abstaining_is_possible_and_counted(confer):
    result, ctx = held(confer, vote(), {"x": None, "y": "Use tabs.", "z": None})
    assert result.value["author"] == "ann"
    assert result.value["abstentions"] == 2
    assert ctx.reasons == []


def test_a_voter_that_fails_is_an_abstention_with_its_reason(confer):
    wishes = {"x": InvalidReply("not JSON"), "y": "Use tabs.", "z": "Use tabs."}
    result, ctx = held(confer, vote(), wishes)
    assert result.value["ballots"][0]["status"] == "failed"
    assert result.value["ballots"][0]["reason"] == "not JSON"
    assert ctx.reasons == ["x did not vote: not JSON"]


def test_a_reached_limit_is_no_abstention(confer):
    wishes = {"x": BudgetReached("cost"), "y": "Use tabs.", "z": "Use tabs."}
    with pytest.raises(StepFailed, match="cost"):
        held(confer, vote(), wishes)


def test_an_incomplete_ranking_is_an_abstention_never_a_guess(confer):
    wishes = {"x": ["Use tabs."], "y": list(TEXTS.values()), "z": list(TEXTS.values())}
    result, ctx = held(confer, vote(method="borda"), wishes)
    assert result.value["ballots"][0]["vote"] is None
    assert result.value["ballots"][0]["status"] == "failed"
    assert ctx.reasons == ["x did not vote: its ballot was not valid"]


def test_a_vote_of_abstentions_fails_with_its_record(confer):
    with pytest.raises(StepFailed, match="0 of 3 cast a ballot, 1 must") as caught:
        held(confer, vote(), dict.fromkeys(OUTSIDERS))
    assert len(caught.value.details["ballots"]) == 3


def test_a_missed_quorum_fails(confer):
    with pytest.raises(StepFailed, match="1 of 3 cast a ballot, 2 must"):
        held(confer, vote(quorum=2), {"x": "Use tabs.", "y": None, "z": None})


def test_a_missed_majority_fails_and_keeps_the_ballots(confer):
    wishes = {"x": "Use tabs.", "y": "Use spaces.", "z": "Use neither."}
    with pytest.raises(StepFailed, match="33%, more than half is needed") as caught:
        held(confer, vote(method="majority"), wishes)
    assert caught.value.details["winner"] is None
    assert [one["vote"] for one in caught.value.details["ballots"]] == ["ann", "bob", "cat"]


def test_a_consensus_needs_all_who_vote(confer):
    wishes = {"x": "Use tabs.", "y": "Use tabs.", "z": None}
    result, _ = held(confer, vote(method="consensus"), wishes)
    assert result.value["author"] == "ann"
    with pytest.raises(StepFailed, match="67%, 100% is needed"):
        held(confer, vote(method="consensus"), wishes | {"z": "Use spaces."})
    result, _ = held(confer, vote(method="consensus", threshold=0.6), wishes | {"z": "Use spaces."})
    assert result.value["author"] == "ann"


def test_authors_can_reach_a_consensus_without_voting_for_themselves(confer):
    wishes = {"ann": "Use spaces.", "bob": "Use tabs.", "cat": "Use tabs."}
    result, _ = held(confer, vote(voters=("ann", "bob", "cat"), method="consensus"), wishes)
    assert result.value["author"] == "ann"


def test_a_candidate_that_is_null_does_not_stand(confer):
    step = vote(candidates=["{{ answers.ann }}", "{{ answers.bob }}"])
    result, ctx = held(confer, step, dict.fromkeys(OUTSIDERS, "Use tabs."), {**TEXTS, "bob": None})
    assert result.value["scores"] == {"1": 3}
    assert ctx.reasons == ["candidate 2 is null and does not stand"]


# -------------------------------------------------------------------------------------------- ties

TIED = {"x": "Use spaces.", "y": "Use tabs.", "z": None}


def test_first_takes_the_order_of_the_list(confer):
    result, _ = held(confer, vote(ties="first"), TIED)
    assert (result.value["author"], result.value["tie"]) == ("ann", "first")


def test_chance_is_the_seeds(confer):
    winners = [held(confer, vote(), TIED, seed=seed)[0].value["author"] for seed in range(20)]
    again = [held(confer, vote(), TIED, seed=seed)[0].value["author"] for seed in range(20)]
    assert winners == again
    assert set(winners) == {"ann", "bob"}


def test_a_moderator_breaks_a_tie_among_the_tied_alone(confer):
    step = vote(ties="moderator", moderator="chair")
    result, ctx = held(confer, step, TIED | {"chair": "Use spaces."})
    assert (result.value["author"], result.value["tie"]) == ("bob", "moderator")
    assert set(shown(ctx.asked[-1])) == {"Use spaces.", "Use tabs."}
    assert None not in ctx.asked[-1].schema["properties"]["choice"]["enum"]
    assert "because of x" in ctx.asked[-1].prompt
    assert result.details["moderator"]["reason"] == "because of chair"


def test_a_casting_vote_can_make_a_majority(confer):
    step = vote(method="majority", ties="moderator", moderator="chair")
    result, _ = held(confer, step, TIED | {"chair": "Use spaces."})
    assert result.value["author"] == "bob"


def test_a_moderator_is_not_asked_where_nothing_is_tied(confer):
    step = vote(ties="moderator", moderator="chair")
    _, ctx = held(confer, step, dict.fromkeys(OUTSIDERS, "Use tabs."))
    assert "chair" not in [asked.agent for asked in ctx.asked]


def test_a_revote_is_held_once_among_the_tied(confer):
    wishes = {
        "x": ("Use spaces.", "Use tabs."),
        "y": ("Use tabs.", "Use tabs."),
        "z": (None, "Use spaces."),
    }
    result, ctx = held(confer, vote(ties="revote"), wishes)
    assert (result.value["author"], result.value["tie"]) == ("ann", "revote")
    assert [asked.turn for asked in ctx.asked] == [0, 0, 0, 1, 1, 1]
    assert "Use neither." not in shown(ctx.asked[-1])
    assert [one["round"] for one in result.value["ballots"]] == [1, 1, 1, 2, 2, 2]
    assert [one["voter"] for one in result.value["dissent"]] == ["z"]


def test_a_revote_that_ties_again_is_drawn(confer):
    wishes = {"x": "Use spaces.", "y": "Use tabs.", "z": None}
    result, ctx = held(confer, vote(ties="revote"), wishes)
    assert result.value["tie"] == "revote, then random"
    assert len(ctx.asked) == 6


# ---------------------------------------------------------------------------- moderator, early stop


def test_a_moderator_decides_knowing_the_ballots(confer):
    step = vote(method="moderator", moderator="chair")
    wishes = dict.fromkeys(OUTSIDERS, "Use tabs.") | {"chair": "Use neither."}
    result, ctx = held(confer, step, wishes)
    assert result.value["author"] == "cat"
    assert [one["voter"] for one in result.value["dissent"]] == ["x", "y", "z"]
    assert "Voter 1" in ctx.asked[-1].prompt


def test_a_moderator_can_decide_alone(confer):
    step = vote(method="moderator", moderator="chair", voters=())
    result, ctx = held(confer, step, {"chair": "Use neither."})
    assert result.value["author"] == "cat"
    assert len(ctx.asked) == 1


def test_a_moderator_does_not_choose_its_own(confer):
    step = vote(method="moderator", moderator="cat", voters=())
    _, ctx = held(confer, step, {"cat": "Use tabs."})
    assert TEXTS["cat"] not in shown(ctx.asked[0])


def test_early_stop_cancels_what_can_change_nothing(confer):
    async def answer(asked):
        await asyncio.sleep({"v": 1, "w": 2, "x": 3, "y": 4, "z": 5}[asked.agent])
        return votes(dict.fromkeys("vwxyz", "Use tabs."))(asked)

    step = vote(voters=tuple("vwxyz"), early_stop=True)
    result, ctx = confer(step, answer, names={"answers": TEXTS})
    assert [asked.agent for asked in ctx.finished] == ["v", "w", "x"]
    statuses = [one["status"] for one in result.value["ballots"]]
    assert statuses == ["cast"] * 3 + ["not_needed"] * 2
    assert result.value["author"] == "ann"
    assert result.value["abstentions"] == 0


# ------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"voters": ()}, "voters"),
        ({"voters": ("x", "x")}, "voters"),
        ({"quorum": 4}, "quorum"),
        ({"method": "moderator"}, "moderator"),
        ({"ties": "moderator"}, "moderator"),
        ({"moderator": "chair"}, "moderator"),
        ({"method": "majority", "threshold": 0.4}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"method": "moderator", "moderator": "chair", "threshold": 0.5}, "threshold"),
        ({"method": "moderator", "moderator": "chair", "early_stop": True}, "early_stop"),
        ({"method": "moderator", "moderator": "chair", "voters": (), "quorum": 1}, "quorum"),
        ({"candidates": []}, "candidates"),
    ],
)
def test_rules_of_a_vote(given, field):
    assert set(vote(**given).check()) == {field}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"method": "moderator", "moderator": "chair"},
        {"method": "moderator", "moderator": "chair", "voters": ()},
        {"method": "majority", "threshold": 0.5, "quorum": 3},
        {"ties": "moderator", "moderator": "chair", "early_stop": True},
    ],
)
def test_sound_votes_break_no_rule(given):
    assert vote(**given).check() == {}


def test_estimates_count_the_moderator_and_a_revote():
    assert (vote().estimate().fewest, vote().estimate().most) == (3, 3)
    assert vote(ties="revote").estimate().most == 6
    assert vote(ties="moderator", moderator="chair").estimate().most == 4
    assert vote(method="moderator", moderator="chair").estimate().fewest == 4


def test_those_that_fail_alike_are_one_line(confer):
    voters = tuple(f"v{number}" for number in range(50))
    wishes = {name: InvalidReply("no JSON") for name in voters} | {"v0": "Use tabs."}
    _, ctx = held(confer, vote(voters=voters), wishes)
    assert ctx.reasons == ["v1, v2, v3 and 46 more did not vote: no JSON"]
    with pytest.raises(StepFailed, match=r"v0 .*; v1: no JSON; v2: no JSON and 47 more\)"):
        held(confer, vote(voters=voters), wishes | {"v0": None})
