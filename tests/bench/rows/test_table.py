"""Every row runs, at a size at which nothing is worth timing, and gives numbers."""

from __future__ import annotations

import math

import pytest

from konseho_cli.bench.measure import Effort, Row, measure
from konseho_cli.bench.rows.table import ROWS

TINY = Effort(rounds=1, scale=0.003)


def test_names_are_given_once() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) >= 9


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_yields_finite_positive_numbers(row: Row) -> None:
    (only,) = measure(row, TINY)
    for sample in (*only.ours, *only.peer, only.ratio):
        assert math.isfinite(sample)
        assert sample > 0
