"""The record of a vote: who won, by what count, who dissented and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from konseho_cli.steps.candidates import Candidate
from konseho_cli.steps.polling import Decision, Rules
from konseho_cli.steps.results import Part, StepResult
from konseho_cli.steps.tally import RANKED, Ballot, Method, Tally, reaches


class HeldVote(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that happened in one vote."""

    method: Method
    threshold: float | None
    rules: Rules
    candidates: Sequence[Candidate]
    rounds: Sequence[Sequence[Ballot]]
    """The ballots; a second entry is a revote."""
    tally: Tally | None
    """Of the last round; None: there were no voters."""
    tie: str | None = None
    """How a tie was resolved: first, random, moderator, revote, `revote, then random`."""
    decision: Decision | None = None
    """The moderator's, where it was asked."""


def shortfall(vote: HeldVote, winner: int) -> str | None:
    """Why the winner does not have enough, or None. The moderator's casting vote counts as one."""
    tally = vote.tally
    if tally is None or vote.method == "moderator":
        return None
    share = tally.shares[winner]
    if vote.decision is not None and vote.method not in RANKED:
        votes = sum(
            ballot.voter.weight
            for ballot in vote.rounds[-1]
            if ballot.vote is not None and winner in ballot.voter.eligible
        )
        share = (share * votes + 1) / (votes + 1)
    if reaches(vote.method, share, vote.threshold):
        return None
    return f"{vote.candidates[winner].key} has {float(share):.0%}, {_needed(vote)} needed"


def record(vote: HeldVote, winner: int | None) -> dict[str, Any]:
    """All of it as plain values, for `--json` and people."""
    keys = [candidate.key for candidate in vote.candidates]
    tally = vote.tally
    return {
        "method": vote.method,
        "rules": {
            "threshold": vote.rules.threshold,
            "quorum": vote.rules.quorum,
            "self_votes": vote.rules.self_votes,
            "early_stop": vote.rules.early_stop,
        },
        "candidates": [
            {"key": one.key, "author": one.author, "label": one.label, "candidate": one.value}
            for one in vote.candidates
        ],
        "scores": _numbers(keys, tally.scores if tally else {}),
        "shares": _numbers(keys, tally.shares if tally else {}),
        "paths": [
            {"from": keys[a], "to": keys[b], "strength": strength}
            for (a, b), strength in (tally.paths if tally else {}).items()
        ],
        "ballots": ballots_of(vote),
        "dissent": dissent_of(vote, winner),
        "tie": vote.tie,
        "moderator": _decision(vote),
        "winner": keys[winner] if winner is not None else None,
    }


def result(vote: HeldVote, winner: int) -> StepResult:
    """The step's result: what templates read, what later prompts show, the whole record."""
    won = vote.candidates[winner]
    details = record(vote, winner)
    value = {
        "winner": won.value,
        "author": won.author,
        "label": won.label,
        "scores": details["scores"],
        "ballots": details["ballots"],
        "dissent": details["dissent"],
        "method": vote.method,
        "tie": vote.tie,
        "abstentions": sum(
            ballot.status in ("abstained", "failed") for ballot in (vote.rounds or [()])[-1]
        ),
    }
    return StepResult(value=value, parts=tuple(_parts(vote, winner, details)), details=details)


def ballots_of(vote: HeldVote) -> list[dict[str, Any]]:
    """Every ballot of every round, in the order of the voters."""
    return [
        {
            "voter": ballot.voter.agent,
            "round": number,
            "status": ballot.status,
            "vote": _named(vote, ballot),
            "weight": plain_number(ballot.voter.weight),
            "reason": ballot.reason,
        }
        for number, ballots in enumerate(vote.rounds, 1)
        for ballot in ballots
    ]


def dissent_of(vote: HeldVote, winner: int | None) -> list[dict[str, Any]]:
    """Who could have named the winner, and named another; by the last round."""
    return [
        {"voter": ballot.voter.agent, "vote": _named(vote, ballot), "reason": ballot.reason}
        for ballot in (vote.rounds or [()])[-1]
        if winner is not None and _dissents(vote.method, ballot, winner)
    ]


def _dissents(method: Method, ballot: Ballot, winner: int) -> bool:
    if ballot.vote is None or winner not in ballot.voter.eligible:
        return False
    return ballot.vote[0] != winner if method in RANKED else winner not in ballot.vote


def _named(vote: HeldVote, ballot: Ballot) -> str | list[str] | None:
    if ballot.vote is None:
        return None
    keys = [vote.candidates[number].key for number in ballot.vote]
    return keys if vote.method in RANKED or vote.method == "approval" else keys[0]


def _decision(vote: HeldVote) -> dict[str, str] | None:
    if vote.decision is None:
        return None
    chosen = vote.candidates[vote.decision.winner].key
    return {"agent": vote.decision.moderator, "choice": chosen, "reason": vote.decision.reason}


def _numbers(keys: Sequence[str], values: Mapping[int, Fraction]) -> dict[str, float | int]:
    return {keys[number]: plain_number(value) for number, value in values.items()}


def plain_number(value: Fraction) -> float | int:
    """A whole number stays one."""
    return int(value) if value.denominator == 1 else round(float(value), 6)


def _needed(vote: HeldVote) -> str:
    if vote.threshold is None:
        return "more than half is" if vote.method == "majority" else "100% is"
    above = " and more than half" if vote.method == "majority" else ""
    return f"{vote.threshold:.0%}{above} is"


def _parts(vote: HeldVote, winner: int, details: Mapping[str, Any]) -> list[Part]:
    won = vote.candidates[winner]
    whose = f"winner: {won.author}" if won.author is not None else f"winner: candidate {won.key}"
    parts = [Part(label=whose, text=won.text), Part(label="tally", text=_counted(vote, details))]
    if vote.decision is not None and vote.decision.reason:
        parts.append(
            Part(label=f"decision of {vote.decision.moderator}", text=vote.decision.reason)
        )
    parts += [
        Part(label=f"dissent of {one['voter']}", text=_argued(one)) for one in details["dissent"]
    ]
    return parts


def _counted(vote: HeldVote, details: Mapping[str, Any]) -> str:
    scores = sorted(details["scores"].items(), key=lambda pair: -pair[1])
    lines = [f"Method: {vote.method}."]
    lines += [f"- {key}: {score}" for key, score in scores]
    if vote.tie:
        lines.append(f"A tie was resolved by: {vote.tie}.")
    # Reasons speak of labels; whoever reads on must be able to tell what they stand for.
    labels = ", ".join(
        f"{one.label} = {one.key}" for one in vote.candidates if one.label != one.key
    )
    return "\n".join([*lines, f"Labels: {labels}."] if labels else lines)


def _argued(dissent: Mapping[str, Any]) -> str:
    vote = dissent["vote"]
    named = (" > ".join(vote) or "none") if isinstance(vote, list) else vote
    return f"{named}. {dissent['reason']}".strip()
