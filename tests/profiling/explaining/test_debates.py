from __future__ import annotations

from typing import Any

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.explaining.debates import debate_account


def debate(*rounds: dict[str, Any], agreed: bool = False) -> StepOutcome:
    return StepOutcome(
        id="argue", kind="debate", status="ok", details={"agreed": agreed, "rounds": list(rounds)}
    )


def said(position: Any, agree: bool | None = None) -> dict[str, Any]:
    return {"position": position, "agree": agree}


def test_who_moves_and_towards_whom_is_found_in_the_texts(panel: Any) -> None:
    account = debate_account(panel.outcome.step("argue"))
    assert account is not None
    proposals, first, second = account.rounds
    assert [move.change for move in proposals.moves] == [None, None, None]
    assert first.left == ("cid",)
    assert (first.agreed, second.agreed) == (0, 2)
    ann, bob = second.moves
    assert (ann.agent, ann.change, ann.towards) == ("ann", 0.0, None)
    assert bob.change is not None
    assert bob.change > 0.5
    assert bob.towards is not None
    assert bob.towards.agent == "ann"
    assert bob.towards.after > bob.towards.before + 0.3
    assert account.agreed is False  # cid keeps a proposal that agreed with nobody


def test_positions_that_come_together_become_more_alike(panel: Any) -> None:
    account = debate_account(panel.outcome.step("argue"))
    assert account is not None
    likeness = [one.alike or 0 for one in account.rounds]
    assert likeness == sorted(likeness)


def test_values_are_compared_as_values() -> None:
    account = debate_account(
        debate(
            {"a": said({"yes": True, "why": "x"}), "b": said({"yes": False, "why": "y"})},
            {
                "a": said({"yes": True, "why": "x"}, True),
                "b": said({"yes": True, "why": "y"}, True),
            },
            agreed=True,
        )
    )
    assert account is not None
    kept, moved = account.rounds[1].moves
    assert (kept.change, kept.changed) == (0.0, ())
    assert (moved.changed, account.agreed) == (("yes",), True)


def test_small_words_are_no_move_towards_anybody() -> None:
    account = debate_account(
        debate(
            {"a": said("the one thing is speed"), "b": said("it is the price of a call")},
            {"a": said("the main thing is a price", False)},
        )
    )
    assert account is not None
    assert account.rounds[1].moves[0].towards is None
    assert account.rounds[1].left == ("b",)


def test_a_debate_that_left_no_record_is_no_account() -> None:
    assert debate_account(StepOutcome(id="a", kind="debate", status="failed")) is None
    broken = StepOutcome(id="a", kind="debate", status="ok", details={"rounds": 3, "agreed": 1})
    assert debate_account(broken) is None
