"""Ballots under the real engine: what only shows with prompts, repairs and seeds."""

from __future__ import annotations

import json
import re

from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.vote import Vote


def choosing(text):
    """A voter that wants the candidate with this text."""

    def say(prompt):
        found = re.search(rf'label="(\w+)">\n{text}\n', prompt)
        return 1.0, json.dumps({"reason": "good", "choice": found[1] if found else None})

    return say


def answers_then(vote):
    return {"answers": Parallel(agents=("ann", "bob")), "pick": vote}


def test_a_voter_cannot_learn_whose_a_candidate_is(stage, scripted):
    model = scripted({"cid": choosing("ann speaks")})
    vote = Vote(candidates="{{ answers }}", voters=("cid",))
    outcome = stage.run(answers_then(vote), model)
    (prompt,) = model.asked("cid")
    assert outcome.step("pick").value["author"] == "ann"
    assert not re.search(r"answers|\bann\b(?! speaks)|\bbob\b(?! speaks)", prompt)
    assert "the task" in prompt


def test_a_vote_that_is_not_anonymous_shows_what_came_before(stage, scripted):
    model = scripted({"cid": choosing("ann speaks")})
    vote = Vote(candidates="{{ answers }}", voters=("cid",), anonymous=False)
    stage.run(answers_then(vote), model)
    assert "# answers / ann" in model.asked("cid")[0]


def test_a_ballot_is_repaired_once_and_then_an_abstention(stage, scripted):
    prose = [(1.0, "I like the first."), (1.0, "As I said.")]
    model = scripted({"cid": prose, "dee": choosing("ann speaks")})
    vote = Vote(candidates="{{ answers }}", voters=("cid", "dee"))
    outcome = stage.run(answers_then(vote), model)
    pick = outcome.step("pick")
    assert len(model.asked("cid")) == 2
    assert pick.status == "degraded"
    assert pick.value["author"] == "ann"
    assert [one["status"] for one in pick.value["ballots"]] == ["failed", "cast"]


def test_a_vote_without_a_winner_keeps_its_ballots(stage, scripted):
    model = scripted({"cid": choosing("ann speaks"), "dee": choosing("bob speaks")})
    vote = Vote(
        candidates="{{ answers }}", voters=("cid", "dee"), method="majority", on_error="continue"
    )
    pick = stage.run(answers_then(vote), model).step("pick")
    assert pick.status == "failed"
    assert pick.value is None
    assert [one["vote"] for one in pick.details["ballots"]] == ["ann", "bob"]


def test_chance_repeats_from_run_to_run(stage, scripted):
    model = {"cid": choosing("ann speaks"), "dee": choosing("bob speaks")}
    vote = Vote(candidates="{{ answers }}", voters=("cid", "dee"))
    runs = [
        stage.run(answers_then(vote), scripted(model), seed=seed).step("pick").value["author"]
        for seed in (0, 1, 2, 3, 4, 5) * 2
    ]
    assert runs[:6] == runs[6:]
    assert set(runs) == {"ann", "bob"}
