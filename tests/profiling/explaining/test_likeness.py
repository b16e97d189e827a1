from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.explaining.likeness import alike, all_alike, change, changed_keys

TEXTS = st.text(alphabet="ab c.\n", max_size=60)


@given(TEXTS, TEXTS)
def test_shares_are_shares_and_likeness_has_no_direction(one: str, other: str) -> None:
    assert 0 <= change(one, other) <= 1
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1


@given(TEXTS)
def test_a_text_is_like_itself_however_it_is_set(text: str) -> None:
    assert change(text, f"  {text}\n") == 0
    assert alike(text, f"  {text}\n") == 1


def test_what_is_new_is_a_share_of_the_words_in_their_order() -> None:
    assert change("one two three four", "one two three five") == 0.25
    assert change("one two", "three four") == 1
    assert change("one two", "two one") == 0.5


def test_common_words_alone_make_no_likeness() -> None:
    assert alike("the cat and the dog", "a dog, the bird and a cat") == 0
    assert alike("enforced by a test", "modules enforced by a test") == pytest.approx(8 / 11)


def test_long_texts_are_compared_by_sentences() -> None:
    sentences = [f"This is sentence {number}." for number in range(500)]
    assert change(" ".join(sentences), " ".join([*sentences[:400], *["New."] * 100])) == (
        pytest.approx(0.2)
    )


def test_values_are_compared_as_they_are_shown() -> None:
    assert change({"a": 1}, {"a": 1}) == 0
    assert change({"a": 1}, {"a": 2}) > 0
    assert alike(True, False) < alike(True, True) == 1


def test_the_likeness_of_several_is_that_of_their_pairs() -> None:
    assert all_alike({"a": "yes", "b": "yes", "c": "no"}) == pytest.approx(1 / 3)
    assert all_alike({"a": "yes"}) is None


def test_of_objects_the_keys_that_differ_are_told() -> None:
    assert changed_keys({"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3, "d": None}) == ("b", "d", "c")
    assert changed_keys("a", {"a": 1}) == ()
