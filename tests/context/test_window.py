from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.window import KEPT, fit, shorten, shorten_prompt

MARK = re.compile(r"\n\[… ([\d,]+) characters left out …\]\n")
CLUSTERS = (
    "a",
    "word ",
    "\n",
    "e\u0301",
    "👩\u200d👩\u200d👧\u200d👦",
    "🇨🇭",
    "漢",
    "👍🏽",
    "\ud83d\ude00",
)


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert shorten("as it is", 8) == "as it is"


def test_the_middle_goes_and_its_place_says_how_much_of_it() -> None:
    text = "".join(f"line {number:04d}\n" for number in range(1000))
    short = shorten(text, 500)
    assert len(short) <= 500
    assert short.startswith("line 0000\nline 0001\n")
    assert short.endswith("line 0998\nline 0999\n")
    head, count, tail = MARK.split(short)
    assert len(head) + int(count.replace(",", "")) + len(tail) == len(text)
    assert abs(len(head) - len(tail)) <= 1


def test_where_not_even_that_line_has_room_an_ellipsis_stands_for_it() -> None:
    assert shorten("x" * 100, 10) == "…"
    assert shorten("x" * 100, 0) == ""


@given(st.lists(st.sampled_from(CLUSTERS), max_size=300), st.integers(0, 400))
def test_nothing_is_torn_and_nothing_is_lost_uncounted(clusters: list[str], limit: int) -> None:
    text = "".join(clusters)
    short = shorten(text, limit)
    assert len(short) <= max(limit, 0) or short == text
    if short in (text, "…", ""):
        return
    head, count, tail = MARK.split(short)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + int(count.replace(",", "")) + len(tail) == len(text)
    assert {len(head), len(text) - len(tail)} <= _ends(clusters)


def _ends(clusters: list[str]) -> set[int]:
    """Where a cut tears nothing: behind each cluster, and behind each letter of a plain word."""
    ends, end = {0}, 0
    for cluster in clusters:
        if cluster.strip().isalpha() and cluster.isascii():
            ends |= {end + at for at in range(len(cluster))}
        end += len(cluster)
        ends.add(end)
    return ends


def test_the_oldest_step_is_shortened_first() -> None:
    old, middle, new = "o" * 5000, "m" * 5000, "n" * 5000
    fitted = fit([[old], [middle], [new]], 12_000)
    assert fitted[1:] == [[middle], [new]]
    assert sum(len(text) for step in fitted for text in step) <= 12_000
    assert len(fitted[0][0]) >= 1900


def test_the_next_one_only_where_the_oldest_has_no_more_to_give() -> None:
    fitted = fit([["o" * 5000], ["m" * 5000], ["n" * 5000]], 7000)
    lengths = [len(step[0]) for step in fitted]
    assert lengths == sorted(lengths)
    assert KEPT - 2 <= lengths[0] <= KEPT
    assert lengths[2] == 5000


def test_outputs_of_one_step_keep_as_much_as_each_other() -> None:
    ((one, two, brief),) = fit([["a" * 5000, "b" * 9000, "short"]], 3000)
    assert len(one) == len(two) > 1400
    assert brief == "short"


def test_what_fits_is_left_as_it_is() -> None:
    assert fit([["a"], ["b", "c"]], 3) == [["a"], ["b", "c"]]
    assert fit([], 0) == []


@given(
    st.lists(st.lists(st.integers(0, 3000), min_size=1, max_size=3), max_size=5),
    st.integers(0, 20_000),
)
def test_a_limit_that_can_be_kept_is_kept(sizes: list[list[int]], limit: int) -> None:
    steps = [["x" * size for size in step] for step in sizes]
    fitted = fit(steps, limit)
    total = sum(len(text) for step in fitted for text in step)
    least = sum(min(size, 120) for step in sizes for size in step)
    assert total <= max(limit, least)
    assert [len(step) for step in fitted] == [len(step) for step in steps]
    whole = sum(map(sum, sizes)) <= limit
    assert fitted == steps if whole else True


PROMPT = (
    "# Task\n\nChoose.\n\n"
    '<candidate label="A">\n' + "a" * 4000 + "\n</candidate>\n\n"
    '<candidate label="B">\n' + "b" * 8000 + "\n</candidate>\n\n"
    "# Your part\n\nJudge the candidates by their content.\n"
)


def test_the_longest_parts_of_a_prompt_are_shortened_to_the_same_length() -> None:
    short = shorten_prompt(PROMPT, 3000)
    assert len(short) <= 3000
    assert short.startswith("# Task\n\nChoose.\n\n<candidate")
    assert short.endswith("</candidate>\n\n# Your part\n\nJudge the candidates by their content.\n")
    assert abs(short.count("a" * 10) - short.count("b" * 10)) <= 5


def test_a_prompt_of_many_small_parts_is_shortened_in_its_middle() -> None:
    prompt = "".join(f"# Heading {number}\n\n{'x' * 150}\n" for number in range(1000))
    short = shorten_prompt(prompt, 2000)
    assert len(short) <= 2000
    assert len(MARK.findall(short)) == 1


@pytest.mark.parametrize("limit", [0, 10, 100, 1000, 5000, 100_000])
def test_a_prompt_is_never_longer_than_its_limit(limit: int) -> None:
    assert len(shorten_prompt(PROMPT, limit)) <= limit or limit >= len(PROMPT)
