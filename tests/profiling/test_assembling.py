from __future__ import annotations

from konseho_cli.profiling.assembling import profiled_of
from tests.report.profiles import recording


def test_the_first_recording_is_the_one_whose_time_is_analysed() -> None:
    profiled = profiled_of([recording(), recording("research-split")])
    assert profiled.outcome is recording().outcome
    assert profiled.analysis.makespan == sum(part.duration for part in profiled.analysis.by_kind)
