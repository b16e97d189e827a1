from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.steps.ballots import ballot_schema, decision_schema, form_of, read_ballot
from konseho_cli.steps.candidates import Candidate
from konseho_cli.steps.tally import Voter

CANDIDATES = tuple(
    Candidate(key=key, author=key, label=label, value=key, text=key)
    for key, label in (("ann", "C"), ("bob", "A"), ("cat", "B"))
)
VOTER = Voter(agent="ann", eligible=(1, 2))
FORMS = ("choice", "approved", "ranking")


def read(form, vote):
    return read_ballot(form, {"reason": "r", form: vote}, VOTER, CANDIDATES)


def is_valid(form, vote):
    schema = ballot_schema(form, ["A", "B"])
    return jsonschema.Draft202012Validator(schema).is_valid({"reason": "r", form: vote})


def test_labels_become_candidates():
    assert read("choice", "B").vote == (2,)
    assert read("ranking", ["B", "A"]).vote == (2, 1)
    assert read("approved", ["A"]).vote == (1,)
    assert read("approved", []).vote == ()


@pytest.mark.parametrize("form", FORMS)
def test_null_abstains(form):
    assert is_valid(form, None)
    assert (read(form, None).vote, read(form, None).status) == (None, "abstained")
    assert read(form, None).reason == "r"


@pytest.mark.parametrize(
    ("form", "vote"),
    [
        ("choice", "C"), ("choice", "a"), ("choice", 1), ("choice", ["A"]),
        ("ranking", ["A"]), ("ranking", ["A", "A"]), ("ranking", ["A", "B", "C"]),
        ("ranking", []), ("ranking", "AB"), ("ranking", ["A", None]),
        ("approved", ["A", "A"]), ("approved", ["C"]), ("approved", "A"),
    ],
)  # fmt: skip
def test_what_is_no_valid_ballot_is_refused_twice_and_never_guessed_at(form, vote):
    assert not is_valid(form, vote)
    assert (read(form, vote).vote, read(form, vote).status) == (None, "failed")


@given(st.sampled_from(FORMS), st.lists(st.sampled_from(["A", "B", "C", None]), max_size=3))
def test_what_the_schema_lets_through_can_be_read(form, labels):
    vote = (labels[0] if labels else None) if form == "choice" else labels
    assert is_valid(form, vote) == (read(form, vote).status != "failed")


@pytest.mark.parametrize("form", FORMS)
def test_ballots_suit_strict_structured_output(form):
    schema = ballot_schema(form, ["A", "B"])
    assert list(schema["properties"]) == schema["required"] == ["reason", form]
    assert schema["additionalProperties"] is False


def test_a_moderator_cannot_abstain():
    validator = jsonschema.Draft202012Validator(decision_schema(["A"]))
    assert not validator.is_valid({"reason": "", "choice": None})


def test_the_method_says_what_a_ballot_holds():
    assert [form_of(method) for method in ("majority", "approval", "schulze")] == [
        "choice", "approved", "ranking",
    ]  # fmt: skip
