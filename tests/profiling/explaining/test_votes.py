from __future__ import annotations

from typing import Any

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.explaining.votes import vote_account

RECORD: dict[str, Any] = {
    "method": "borda",
    "candidates": [
        {"key": "ann", "author": "ann", "label": "B", "candidate": "Tabs."},
        {"key": "bob", "author": "bob", "label": "A", "candidate": "Spaces."},
    ],
    "scores": {"ann": 1.5, "bob": 1.5},
    "shares": {"ann": 0.5, "bob": 0.5},
    "paths": [],
    "ballots": [
        {"voter": "cid", "round": 1, "status": "cast", "vote": ["ann", "bob"], "weight": 1,
         "reason": "B."},
        {"voter": "dee", "round": 1, "status": "failed", "vote": None, "weight": 1,
         "reason": "503"},
        {"voter": "cid", "round": 2, "status": "cast", "vote": ["ann", "bob"], "weight": 1,
         "reason": "B."},
    ],
    "dissent": [{"voter": "cid", "vote": ["ann", "bob"], "reason": "B."}],
    "tie": "revote, then random",
    "moderator": None,
    "winner": "bob",
}  # fmt: skip


def account(**changed: Any) -> Any:
    details = {**RECORD, **changed}
    return vote_account(StepOutcome(id="pick", kind="vote", status="ok", details=details))


def test_a_real_vote_is_told_whole(panel: Any) -> None:
    found = vote_account(panel.outcome.step("pick"))
    assert found is not None
    assert (found.winner, found.margin) == ("ann", (3, 2))
    assert [one.key for one in found.candidates] == ["ann", "bob", "cid"]
    assert {one.voter: one.vote for one in found.ballots}["ann"] == ("bob",)
    # Ann did not vote for herself because nobody may: that is no dissent.
    assert [one.voter for one in found.ballots if one.dissents] == ["eve"]


def test_of_a_tie_the_winner_comes_first() -> None:
    found = account()
    assert [one.key for one in found.candidates] == ["bob", "ann"]
    assert found.margin == (1.5, 1.5)
    assert found.tie == "revote, then random"


def test_only_the_last_ballot_dissents() -> None:
    found = account()
    assert [(one.voter, one.round, one.dissents) for one in found.ballots] == [
        ("cid", 1, False), ("dee", 1, False), ("cid", 2, True),
    ]  # fmt: skip
    assert found.ballots[0].is_ranking


def test_a_moderators_reason_is_told() -> None:
    found = account(moderator={"agent": "eve", "choice": "bob", "reason": "It is clearer."})
    assert (found.moderator, found.decision.text) == ("eve", "It is clearer.")


def test_a_vote_that_nobody_won_has_no_margin() -> None:
    assert account(winner=None).margin is None
    assert account(scores={}, ballots=[]).margin is None


def test_a_vote_that_left_no_record_is_no_account() -> None:
    assert vote_account(StepOutcome(id="pick", kind="vote", status="failed")) is None
    assert account(ballots="?") is None
