from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.latency import KEPT, LEAST, Latencies


def test_too_few_observations_say_nothing() -> None:
    latencies = Latencies()
    for _ in range(LEAST - 1):
        latencies.observe(1.0)
    assert latencies.p95() is None
    latencies.observe(1.0)
    assert latencies.p95() == 1.0


@given(st.lists(st.floats(0, 1000), min_size=LEAST, max_size=3 * KEPT))
def test_95_percent_of_the_latest_are_not_above_it(seconds: list[float]) -> None:
    latencies = Latencies()
    for each in seconds:
        latencies.observe(each)
    p95, latest = latencies.p95(), seconds[-KEPT:]
    assert p95 in latest
    assert sum(each <= p95 for each in latest) >= 0.95 * len(latest)


@given(st.lists(st.booleans(), max_size=500))
def test_second_requests_stay_within_their_share(wishes: list[bool]) -> None:
    latencies = Latencies()
    for wish in wishes:
        latencies.requests += 1
        if wish and latencies.may_hedge():
            latencies.hedges += 1
        assert latencies.hedges <= 0.05 * latencies.requests
