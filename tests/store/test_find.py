from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import UsageError
from konseho_cli.store.base import RunRow, Wanted
from konseho_cli.store.find import find_run

IDS = ("3fk2aaaaaaaa", "3fk2aaaaaaab", "3fk9aaaaaaaa", "4000000000zz")


class Rows:
    """A reader of rows that are there, as far as names ask of one."""

    def __init__(self, rows: Sequence[RunRow]) -> None:
        self.rows = sorted(rows, key=lambda row: row.began.run, reverse=True)

    async def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first."""
        found = [row for row in self.rows if row.began.run.startswith(wanted.prefix)]
        return found[: wanted.limit]


def found(rows: Sequence[RunRow], name: str) -> str:
    reader: Any = Rows(rows)
    return asyncio.run(find_run(reader, name)).began.run


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("last", "4000000000zz"),
        ("4", "4000000000zz"),
        ("3fk9", "3fk9aaaaaaaa"),
        ("3fk2aaaaaaaa", "3fk2aaaaaaaa"),
        (" 3FK9 ", "3fk9aaaaaaaa"),
    ],
)
def test_a_run_is_found_by_what_names_it_alone(row: Any, name: str, run: str) -> None:
    assert found([row(each) for each in IDS], name) == run


def test_an_ambiguous_name_lists_the_candidates(row: Any) -> None:
    with pytest.raises(UsageError, match="2 runs begin with '3fk2'") as raised:
        found([row(each) for each in IDS], "3fk2")
    assert IDS[0] in str(raised.value)
    assert IDS[1] in str(raised.value)
    assert IDS[2] not in str(raised.value)
    assert "Tabs or spaces?" in str(raised.value)


def test_of_many_candidates_the_newest_are_listed(row: Any) -> None:
    with pytest.raises(UsageError, match="more than 8 runs") as raised:
        found([row(f"a{number:011}") for number in range(20)], "a")
    assert str(raised.value).count("\n") == 8
    assert "a00000000019" in str(raised.value)


@pytest.mark.parametrize("name", ["zzz", "", "  ", "3fk2aaaaaaaac", "%", "3fk_"])
def test_what_names_no_run_is_refused(row: Any, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        found([row(each) for each in IDS], name)
    assert "konseho runs" in (raised.value.hint or "")


@pytest.mark.parametrize("name", ["last", "3"])
def test_where_no_run_is_kept_the_way_to_one_is_told(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        found([], name)
    assert "konseho run" in (raised.value.hint or "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=st.sampled_from(IDS), length=st.integers(1, 12))
def test_a_prefix_finds_its_run_or_is_ambiguous(row: Any, run: str, length: int) -> None:
    rows = [row(each) for each in IDS]
    alike = sum(each.startswith(run[:length]) for each in IDS)
    if alike == 1:
        assert found(rows, run[:length]) == run
    else:
        with pytest.raises(UsageError, match=f"{alike} runs begin"):
            found(rows, run[:length])
