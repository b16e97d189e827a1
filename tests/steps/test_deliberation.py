"""The kinds under the real engine: what only shows with prompts, repairs and spans."""

from __future__ import annotations

import json
import re

from konseho_cli.core.errors import ModelUnavailable
from konseho_cli.steps.debate import Debate
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.split import Split
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


def test_a_debate_takes_as_long_as_its_slowest_in_each_round(stage, scripted):
    agreed = json.dumps({"position": "yes", "agree": True})
    model = scripted({"ann": [(3.0, "no"), (1.0, agreed)], "bob": [(1.0, "yes"), (2.0, agreed)]})
    step = Debate(agents=("ann", "bob"), rounds=4, stop="agreement")
    outcome = stage.run({"argue": step}, model)
    assert outcome.duration_s == 5
    assert outcome.answer == {
        "positions": {"ann": "yes", "bob": "yes"}, "agreed": True, "rounds": 1,
    }  # fmt: skip


def test_an_agent_that_drops_out_of_a_debate_degrades_it(stage, scripted):
    argued = json.dumps({"position": "still no", "agree": False})
    model = scripted(
        {"ann": [(1.0, "no"), (1.0, argued)], "bob": [(1.0, "yes"), (1.0, ModelUnavailable("x"))]}
    )
    argue = stage.run({"argue": Debate(agents=("ann", "bob"), rounds=1)}, model).step("argue")
    assert argue.status == "degraded"
    assert argue.value["positions"] == {"ann": "still no", "bob": "yes"}


def test_waiting_for_an_instance_is_a_span_that_knows_who_ended_it(stage, scripted):
    step = Split(agent="ann", items=["a", "b", "c"], strategy="fixed", max_agents=1)
    outcome = stage.run({"work": step})
    waits = [span for span in outcome.spans if span.kind == "queue.pool"]
    asks = {span.id: span for span in outcome.spans if span.kind == "ask"}
    assert outcome.duration_s == 3
    assert [asks[wait.waker].end for wait in waits] == [wait.end for wait in waits]
    assert len(waits) == 2


def test_an_adaptive_pool_grows_by_whoever_finished(stage, scripted):
    step = Split(agent="ann", items=list("abcdefgh"), strategy="adaptive", max_agents=8)
    outcome = stage.run({"work": step})
    assert outcome.duration_s == 4  # 1, 2, 4 and the last one
    waits = [span for span in outcome.spans if span.kind == "queue.pool"]
    assert all(wait.waker is not None for wait in waits)
