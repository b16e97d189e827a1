from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.explaining.excerpt import MOST, excerpt


@given(st.text(alphabet="ab .!\n#", max_size=900))
def test_an_excerpt_is_short_stands_in_the_text_and_counts_what_is_missing(text: str) -> None:
    found, whole = excerpt(text), " ".join(text.split())
    assert len(found.text) <= MOST
    assert found.text in whole
    assert len(found.text) + found.left_out == len(whole)


def test_a_short_text_is_whole() -> None:
    assert excerpt(" One\n two. ").text == "One two."
    assert excerpt(" One\n two. ").left_out == 0


def test_whole_sentences_are_kept_as_long_as_they_are_half_of_it() -> None:
    first = f"{'word ' * 25}end."
    assert excerpt(f"{first} {'more ' * 40}").text == first
    assert excerpt(f"No. {'more ' * 90}").text.endswith("more")


@pytest.mark.parametrize("text", ["# Heading\n\nBody.", "## A\n# B\nBody.", "\n\n# A\n\nBody."])
def test_headings_in_front_are_left_out(text: str) -> None:
    assert excerpt(text).text == "Body."
    assert excerpt(text).left_out > 0


def test_a_heading_alone_is_all_there_is() -> None:
    assert excerpt("# Heading").text == "# Heading"
