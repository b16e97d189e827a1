from __future__ import annotations

import threading
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.telemetry.timings import EXACT, Series, Timings

times = st.lists(st.tuples(st.integers(0, 2**40), st.booleans(), st.booleans()), min_size=1)


@given(times, st.integers(1, 3))
def test_it_says_of_all_times_what_a_list_of_them_would(
    added: list[tuple[int, bool, bool]], often: int
) -> None:
    series = Series("x")
    for _ in range(often):
        for each in added:
            series.add(*each)
    timing = series.timing()
    assert timing is not None
    took = sorted(took for took, _, _ in added * often)
    assert timing.count == len(took)
    assert timing.errors == often * sum(failed for _, failed, _ in added)
    assert timing.total_s == sum(took) / 1e9
    assert (timing.min_s, timing.max_s) == (took[0] / 1e9, took[-1] / 1e9)
    assert timing.held_s == max((took for took, _, held in added if held), default=0) / 1e9
    assert timing.average_s * 1e9 == fmean(took) or abs(timing.average_s * 1e9 - fmean(took)) < 1
    slower = sum(each > round(timing.p95_s * 1e9) for each in took)
    assert slower <= len(took) / 20 < slower + took.count(round(timing.p95_s * 1e9))


def test_of_very_many_times_a_fair_sample_is_kept() -> None:
    series = Series("x")
    for took in range(20 * EXACT):
        series.add(took, False, False)
    timing = series.timing()
    assert timing is not None
    assert timing.count == 20 * EXACT
    assert abs(timing.p95_s * 1e9 / (20 * EXACT) - 0.95) < 0.015  # over four standard deviations
    assert len(series._kept) == EXACT


def test_threads_lose_no_time() -> None:
    timings = Timings(lambda: 0)

    def add() -> None:
        for _ in range(2_000):
            timings.of("x").add(1, False, False)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        timings.all()
    (timing,) = timings.all()
    assert (timing.count, timing.total_s) == (8_000, 8_000 / 1e9)


def test_the_largest_total_comes_first_and_a_reset_forgets() -> None:
    timings = Timings(lambda: 0)
    timings.of("short").add(2, True, False)
    timings.of("long").add(3, False, False)
    assert [timing.name for timing in timings.all()] == ["long", "short"]
    timings.reset()
    assert timings.all() == ()
