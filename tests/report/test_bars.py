from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.bars import bar, curve
from konseho_cli.report.symbols import ASCII, UNICODE


def test_a_bar_is_as_long_as_its_share():
    assert bar(0.5, UNICODE, 8) == "████░░░░"
    assert bar(0.56, UNICODE, 8) == "████▌░░░"
    assert bar(0.0, UNICODE, 4) == "░░░░"
    assert bar(1e-9, UNICODE, 4) == "▏░░░", "what is more than nothing shows"
    assert bar(0.5, ASCII, 8) == "####...."


@given(st.floats(-2, 2), st.integers(1, 40), st.sampled_from((UNICODE, ASCII)))
def test_a_bar_is_as_wide_as_it_is_said_to_be(share, width, symbols):
    assert len(bar(share, symbols, width)) == width


def test_a_curve_shows_the_largest_of_each_column():
    assert curve([0, 1, 2, 7], UNICODE, 10) == "▁▂▃█"
    assert curve([0, 9, 0, 0, 0, 0], UNICODE, 3) == "█▁▁"
    assert curve([], UNICODE, 10) == ""
    assert curve([3, 3], ASCII, 10) == "__"


@given(st.lists(st.floats(0, 1e12), min_size=1), st.integers(1, 50))
def test_a_curve_is_never_wider_than_its_room(values, width):
    assert len(curve(values, UNICODE, width)) == min(width, len(values))
