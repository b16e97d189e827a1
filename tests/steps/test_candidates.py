from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.candidates import MOST, label_candidates, letters, read_candidates
from konseho_cli.steps.vote import Vote


def test_letters_go_on_after_z():
    assert [letters(place) for place in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


@given(st.integers(1, MOST), st.integers(), st.booleans())
def test_no_two_candidates_share_a_label_or_a_key(number, seed, anonymous):
    found = read_candidates("s", {f"a{place}": place for place in range(number)})
    candidates = label_candidates(found, anonymous=anonymous, random=Random(seed))
    assert len({one.label for one in candidates}) == len({one.key for one in candidates}) == number
    assert [one.value for one in candidates] == list(range(number))


def test_a_mapping_names_authors_and_a_list_counts_from_one():
    assert read_candidates("s", {"ann": "x"}) == {"ann": ("ann", "x")}
    assert read_candidates("s", ["x", "y"]) == {"1": (None, "x"), "2": (None, "y")}


def test_too_many_candidates_are_refused():
    with pytest.raises(StepFailed, match="201 candidates are more than 200"):
        read_candidates("s", ["x"] * 201)


@pytest.mark.parametrize("value", [[], {}, [None], "prose", None, 3, True])
def test_what_is_no_choice_cannot_be_voted_on(value):
    with pytest.raises(StepFailed, match="candidates"):
        read_candidates("s", value)


def test_a_whole_debate_stands_for_its_positions():
    debate = {"positions": {"ann": "x"}, "agreed": False, "rounds": 2}
    assert read_candidates("s", debate) == {"ann": ("ann", "x")}


def test_a_fixed_text_is_no_list_of_candidates() -> None:
    assert (
        "a fixed text is no list"
        in Vote(candidates="a or b", voters=("ann",)).check()["candidates"]
    )
