"""Every row runs, at a size at which nothing is worth timing, and gives numbers."""

from __future__ import annotations

import math

import pytest

from konseho_cli.bench.measure import Effort, Row
from konseho_cli.bench.rows.table import ROWS

TINY = Effort(rounds=1, scale=0.003)


def test_names_are_given_once() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) >= 9


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_yields_finite_positive_numbers(row: Row) -> None:
    # Twice, as what a sample leaves behind is there for the next; in which order, `measure` knows.
    times = 2 if row.quick else 1
    with row.prepare(TINY.scale_of(row)) as pair:
        samples = [sample() for _ in range(times) for sample in (pair.ours, pair.peer)]
    assert all(math.isfinite(sample) and sample > 0 for sample in samples), samples
