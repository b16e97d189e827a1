"""Cuts never tear what a reader sees as one character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.clusters import cut_after, cut_before

CLUSTERS = (
    "a", " ", "\n", "\r\n", "é", "e\u0301", "a\u0300\u0323\u0301", "ß", "漢", "👍", "👍🏽",
    "👩\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "❤\ufe0f", "1\ufe0f\u20e3", "🇨🇭", "🇯🇵", "한", "ᄒ\u1161\u11ab", "ᄀᄀ\u1161",
    "가\u11a8", "क\u094dष", "नि", "กำ", "ｶ\uff9e", "🏴\U000e0067\U000e0062\U000e007f", "\ud83d\ude00", "\u06001",
)  # fmt: skip


@pytest.mark.parametrize("cluster", CLUSTERS, ids=ascii)
def test_a_cluster_is_never_torn(cluster: str) -> None:
    text = f"x{cluster}y"
    ends = {0, 1, 1 + len(cluster), len(text)}
    for at in range(len(text) + 1):
        before, after = cut_before(text, at), cut_after(text, at)
        assert before <= at <= after
        assert {before, after} <= ends
        assert at not in ends or before == after == at


@given(st.lists(st.sampled_from(CLUSTERS)), st.integers(0, 60))
def test_every_cut_lies_at_the_end_of_some_cluster(clusters: list[str], at: int) -> None:
    text = "".join(clusters)
    ends, end = {0}, 0
    for cluster in clusters:
        end += len(cluster)
        ends.add(end)
    assert cut_before(text, at) in ends
    assert cut_after(text, at) in ends
    assert cut_before(text, at) <= min(at, len(text)) <= cut_after(text, at)


@pytest.mark.parametrize(("flags", "cuts"), [(2, [0, 0, 2, 2, 4]), (3, [0, 0, 2, 2, 4, 4, 6])])
def test_flags_are_counted_in_pairs_from_their_beginning(flags: int, cuts: list[int]) -> None:
    text = "🇨🇭" * flags
    assert [cut_before(text, at) for at in range(len(text) + 1)] == cuts


def test_a_place_beyond_the_text_is_its_end() -> None:
    assert (cut_before("abc", 99), cut_after("abc", 99)) == (3, 3)
    assert (cut_before("abc", -1), cut_after("abc", -1)) == (0, 0)
