from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.profiling.intervals import covered, peak, union

INTERVALS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted).map(tuple))


def moments(intervals) -> list[int]:
    return [moment for start, end in intervals for moment in range(start, end)]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(intervals=INTERVALS)
def test_a_union_is_every_moment_once(intervals) -> None:
    found = union(intervals)
    assert moments(found) == sorted(set(moments(intervals)))
    assert covered(intervals) == len(set(moments(intervals)))
    assert all(before[1] < after[0] for before, after in itertools.pairwise(found))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(intervals=INTERVALS)
def test_the_peak_is_the_most_at_any_moment(intervals) -> None:
    found = moments(intervals)
    assert peak(intervals) == max((found.count(moment) for moment in found), default=0)
