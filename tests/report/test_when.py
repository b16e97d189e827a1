from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.when import ago, iso, local

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (9.9, "just now"),
        (10, "10 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 d ago"),
        (13.9 * 86_400, "13 d ago"),
    ],
)
def test_moments_are_told_in_their_greatest_unit(seconds: float, said: str) -> None:
    assert ago(NOW - seconds, NOW) == said


def test_after_two_weeks_the_date_is_told() -> None:
    assert ago(NOW - 15 * 86_400, NOW) == local(NOW - 15 * 86_400)[:10]


@given(st.floats(0, 1e8))
def test_a_moment_is_always_told_in_a_word_or_two(seconds: float) -> None:
    assert 0 < len(ago(NOW - seconds, NOW)) <= 10


def test_programs_get_utc() -> None:
    assert iso(0.5) == "1970-01-01T00:00:00.500+00:00"
