from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.showing import SUMMARY_CHARS, Said, said_of, shown, summary_room, words_for

OUTPUTS = st.lists(
    st.builds(
        lambda step, length: Said(f"s{step}", f"s{step} / a", "x" * length),
        st.integers(0, 3), st.integers(0, 3_000),
    ),
    max_size=8,
)  # fmt: skip
BOUND = st.none() | st.integers(1, 10)


def said(*lengths: int) -> list[Said]:
    return [Said(f"s{n}", f"s{n} / ann", f"{n}" * length) for n, length in enumerate(lengths)]


@given(OUTPUTS, BOUND, st.none() | st.integers(1, 9_000), st.booleans())
def test_the_newest_stay_in_order_and_nothing_is_lost_without_a_word(
    outputs: list[Said], messages: int | None, chars: int | None, summed_up: bool
) -> None:
    found = shown(outputs, messages, chars, summed_up=summed_up)
    cut = len(found.left_out)
    assert list(found.left_out) == outputs[:cut]
    assert [one.title for one in found.kept] == [one.title for one in outputs[cut:]]
    if messages is not None:
        assert len(found.kept) <= messages
    changed = sum(a.text != b.text for a, b in zip(outputs[cut:], found.kept, strict=True))
    assert changed == found.shortened
    if chars is None and messages is None:
        assert (cut, changed) == (0, 0)
    if outputs and summed_up:
        assert found.kept  # somebody spoke last


@given(st.integers(1, 400), st.integers(1, 9_000), st.booleans())
def test_many_outputs_never_take_more_than_their_room(
    many: int, chars: int, summed_up: bool
) -> None:
    outputs = said(*[300] * many)
    found = shown(outputs, None, chars, summed_up=summed_up)
    assert sum(len(one.text) for one in found.kept) <= chars
    assert len(found.left_out) + len(found.kept) == many


@given(OUTPUTS, st.integers(3_000, 9_000))
def test_tokens_bound_all_of_it_together(outputs: list[Said], chars: int) -> None:
    found = shown(outputs, None, chars, summed_up=False)
    assert sum(len(one.text) for one in found.kept) <= chars
    assert not found.left_out


def test_what_is_summed_up_makes_room_for_the_summary() -> None:
    found = shown(said(1000, 1000, 1000, 1000), None, 3_000, summed_up=True)
    assert [one.title for one in found.left_out] == ["s0 / ann", "s1 / ann"]
    assert found.shortened == 0
    assert sum(len(one.text) for one in found.kept) + summary_room(3_000) <= 3_000


def test_nothing_is_summed_up_where_all_of_it_fits() -> None:
    outputs = said(1000, 1000)
    assert shown(outputs, 2, 2_000, summed_up=True) == ((), tuple(outputs), 0)


def test_the_last_word_stays_even_where_it_is_too_long() -> None:
    found = shown(said(10, 9_000), None, 1_000, summed_up=True)
    assert (len(found.left_out), len(found.kept), found.shortened) == (1, 1, 1)
    assert "characters left out" in found.kept[0].text


def test_what_is_missing_is_said_with_its_length_and_whose_it_was() -> None:
    assert said_of(said(1234)) == (
        "[… 1 earlier output is left out here, 1,234 characters: s0 / ann …]"
    )
    assert said_of(said(1, 1, 1, 1, 1)).endswith("s0 / ann, s1 / ann, s2 / ann and 2 more …]")


def test_a_summary_has_its_room() -> None:
    assert summary_room(None) == SUMMARY_CHARS
    assert (summary_room(4_000), words_for(600), words_for(1)) == (1_000, 100, 20)
