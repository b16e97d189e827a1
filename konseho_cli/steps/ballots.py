"""Ballot papers: what a voter is asked for, and the strict reading of what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from konseho_cli.steps.base import JSON
from konseho_cli.steps.candidates import Candidate
from konseho_cli.steps.tally import RANKED, Ballot, Method, Voter

Form: TypeAlias = Literal["choice", "approved", "ranking"]


def form_of(method: Method) -> Form:
    """What a ballot of this method holds; also the name of its field."""
    if method in RANKED:
        return "ranking"
    return "approved" if method == "approval" else "choice"


def ballot_schema(form: Form, labels: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema of one voter's ballot: only its own labels are possible, null abstains.

    The reason comes first, so that a model thinks before it decides.
    """
    vote: dict[str, Any]
    if form == "choice":
        vote = {"type": ["string", "null"], "enum": [*labels, None]}
    else:
        vote = {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": list(labels)},
            "uniqueItems": True,
            "minItems": len(labels) if form == "ranking" else 0,
            "maxItems": len(labels),
        }
    return _document(form, vote)


def decision_schema(labels: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema of a moderator's decision: one label, no abstention."""
    return _document("choice", {"type": "string", "enum": list(labels)})


def _document(field: str, vote: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, field: vote},
        "required": ["reason", field],
        "additionalProperties": False,
    }


def read_ballot(form: Form, value: JSON, voter: Voter, candidates: Sequence[Candidate]) -> Ballot:
    """The vote that the answer states; anything else is an abstention, never a guess."""
    numbers = {candidates[number].label: number for number in voter.eligible}
    reason = str(value.get("reason", "")) if isinstance(value, Mapping) else ""
    given = value.get(form) if isinstance(value, Mapping) else None
    if given is None:
        return Ballot(voter=voter, vote=None, reason=reason, status="abstained")
    named = [given] if form == "choice" else given
    if not _is_valid(form, named, numbers):
        return Ballot(voter=voter, vote=None, reason="its ballot was not valid", status="failed")
    return Ballot(voter=voter, vote=tuple(numbers[label] for label in named), reason=reason)


def _is_valid(form: Form, named: JSON, numbers: Mapping[str, int]) -> bool:
    if not isinstance(named, list) or not all(isinstance(label, str) for label in named):
        return False
    if len(set(named)) != len(named) or not numbers.keys() >= set(named):
        return False
    return form != "ranking" or len(named) == len(numbers)
