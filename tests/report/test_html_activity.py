from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.report.html_activity import MOMENTS, _means, activity
from tests.report.crowds import crowd
from tests.report.profiles import recording

INTERVALS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)))


@given(INTERVALS)
def test_the_means_hold_all_the_time_that_there_was(found: Any) -> None:
    intervals = [(min(each), max(each)) for each in found]
    width = 1000 / MOMENTS
    means = _means(intervals, width)
    total = sum(end - start for start, end in intervals)
    assert sum(means) * width == pytest.approx(total, abs=1e-6)
    assert all(-1e-9 <= mean <= len(intervals) + 1e-9 for mean in means)


def test_a_crowd_is_counted() -> None:
    outcome = crowd(1_000).outcome
    rows = activity(outcome.spans, 0, max(span.end for span in outcome.spans))
    first = {row["class"]: row["count"] for row in rows if row["at"] == 0}
    assert first == {"first token": 332, "streaming": 0}


def test_nothing_is_counted_where_nothing_took_time() -> None:
    assert activity(recording().outcome.spans, 5, 5) == []
