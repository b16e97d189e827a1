from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.store.retention import DOUBT_S, Retention, to_go

DAY = 86_400.0
NOW = 1e9


def gone(rows: Any, *, now: float = NOW, lives: bool | None = False, **kept: Any) -> list[str]:
    decided = to_go(rows, Retention(**kept), now, lambda process: lives)
    return [row.began.run for row in decided]


@pytest.fixture
def rows(row: Any) -> Any:
    """`a` is of today, `e` of four days ago."""
    return [row(name, started=NOW - day * DAY) for day, name in enumerate("abcde")]


def test_without_a_rule_all_go_the_newest_first(rows: Any) -> None:
    assert gone(rows[::-1]) == list("abcde")


def test_what_is_older_goes(rows: Any) -> None:
    assert gone(rows, keep_s=2.5 * DAY) == ["d", "e"]


def test_a_run_that_is_exactly_so_old_goes(rows: Any) -> None:
    assert gone(rows, keep_s=2 * DAY) == ["c", "d", "e"]


def test_the_newest_stay(rows: Any) -> None:
    assert gone(rows, keep_last=4) == ["e"]
    assert gone(rows, keep_last=0) == list("abcde")


def test_what_either_rule_keeps_stays(rows: Any) -> None:
    assert gone(rows, keep_last=1, keep_s=3.5 * DAY) == ["e"]
    assert gone(rows, keep_last=4, keep_s=1.5 * DAY) == ["e"]


def test_a_run_that_runs_never_goes(row: Any, rows: Any) -> None:
    running = row("f", status=None, started=NOW - 100 * DAY)
    assert gone([*rows, running], lives=True) == list("abcde")
    assert gone([*rows, running], lives=False) == list("abcdef")


def test_an_unfinished_run_of_another_host_is_doubted_for_a_day(row: Any) -> None:
    run = [row("a", status=None, started=NOW - DOUBT_S + 1)]
    assert gone(run, lives=None) == []
    assert gone(run, lives=None, now=NOW + 1) == ["a"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.lists(st.integers(0, 9), max_size=12),
    keep=st.none() | st.integers(0, 9),
    last=st.none() | st.integers(0, 12),
)
def test_to_decide_again_removes_nothing_more(row: Any, ages: Any, keep: Any, last: Any) -> None:
    rows = [row(f"{number:02}", started=NOW - age) for number, age in enumerate(ages)]
    kept = Retention(keep_s=keep, keep_last=last)
    first = to_go(rows, kept, NOW, lambda process: False)
    left = [row for row in rows if row not in first]
    assert len(left) >= min(len(rows), last or 0)
    if keep is not None or last is not None:
        assert not to_go(left, kept, NOW, lambda process: False)
