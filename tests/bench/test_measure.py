from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from konseho_cli.bench.measure import Effort, Pair, Row, measure


@pytest.fixture
def order() -> list[str]:
    return []


@pytest.fixture
def row(order: list[str]) -> Row:
    @contextmanager
    def prepare(scale: float) -> Iterator[Pair]:
        def sample(name: str, took: float) -> float:
            order.append(name)
            return took

        yield Pair(ours=lambda: sample("A", 2 * scale), peer=lambda: sample("B", scale))
        order.append("cleared up")

    return Row(name="row", title="a row", peer="its peer", prepare=prepare)


def test_rounds_are_a_b_b_a_after_one_that_does_not_count(order: list[str], row: Row) -> None:
    rounds = measure(row, Effort(rounds=2))
    assert "".join(order) == "AB" + "ABBA" * 2 + "cleared up"
    assert [each.ratio for each in rounds] == [2, 2]


def test_the_scale_reaches_the_row(row: Row) -> None:
    (only,) = measure(row, Effort(rounds=1, scale=0.5))
    assert only.ours == (1, 1)


def test_a_costly_row_gets_fewer_rounds_but_never_none(row: Row) -> None:
    costly = Row(name="row", title="", peer="", prepare=row.prepare, costly=True)
    assert len(measure(costly, Effort(rounds=9))) == 3
    assert len(measure(costly, Effort(rounds=1))) == 1


def test_a_quick_look_makes_a_costly_row_smaller_and_leaves_the_others(row: Row) -> None:
    effort = Effort(rounds=3, scale=0.8, costly_scale=0.25)
    costly = Row(name="row", title="", peer="", prepare=row.prepare, costly=True)
    assert (effort.scale_of(row), effort.scale_of(costly)) == (0.8, 0.2)
