from __future__ import annotations

import pytest

from konseho_cli.bench.rows import ROWS
from konseho_cli.bench.statistics import Summary
from konseho_cli.bench.targets import Target, load_targets


def _exactly(value: float) -> Summary:
    return Summary(median=value, low=value, high=value)


def test_every_row_has_a_target_and_every_target_a_row() -> None:
    assert set(load_targets()) == {row.name for row in ROWS}


def test_quantities_are_read_in_seconds_and_bytes() -> None:
    targets = load_targets()
    assert targets["agent_call"].aim == pytest.approx(60e-6)
    assert targets["agent_call"].unit == "s"
    assert targets["agent_memory"].aim == 1024
    assert targets["agent_memory"].unit == "B"


def test_a_row_with_two_limits_misses_with_one_of_them() -> None:
    target = Target(aim=60e-6, aim_ratio=5)
    assert target.aim_verdict(_exactly(50e-6), _exactly(4)) == "met"
    assert target.aim_verdict(_exactly(50e-6), _exactly(6)) == "missed"
    assert target.aim_verdict(_exactly(70e-6), _exactly(4)) == "missed"


def test_a_row_without_a_limit_has_no_verdict() -> None:
    assert Target(aim=1).stated_verdict(_exactly(2), _exactly(2)) is None
