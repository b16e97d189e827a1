from __future__ import annotations

import pytest
from msgspec.structs import replace

from konseho_cli.profiling.verdicts import verdicts
from konseho_cli.report.exit_status import exit_status
from konseho_cli.spec.document import Targets


def test_degraded_is_fine_unless_somebody_is_strict(outcome):
    assert exit_status(outcome, (), strict=False) == 0
    assert exit_status(outcome, (), strict=True) == 1
    assert exit_status(replace(outcome, status="ok"), (), strict=True) == 0


@pytest.mark.parametrize(("gate", "status"), [(True, 0), (None, 0), (False, 1)])
def test_a_false_gate_refuses(outcome, gate, status):
    assert exit_status(replace(outcome, gate=gate), (), strict=False) == status


def test_a_missed_target_refuses(outcome):
    assert exit_status(outcome, verdicts(outcome, Targets(calls=3)), strict=False) == 1
    assert exit_status(outcome, verdicts(outcome, Targets(calls=4)), strict=False) == 0


def test_an_error_comes_before_everything(outcome, failed):
    assert exit_status(failed, verdicts(failed, Targets(calls=0)), strict=True) == 3
    limit = replace(outcome, error="the limit is reached", exit_code=5, gate=False)
    assert exit_status(limit, (), strict=False) == 5
