from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.store.cache_table import CacheTable, Filter, Totals

DAY = 86400.0
Open = Callable[..., CacheTable]


class Wall:
    """A wall clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def opened(tmp_path: Path, wall: Wall) -> Iterator[Open]:
    tables: list[CacheTable] = []

    def make(**bounds: Any) -> CacheTable:
        tables.append(CacheTable(tmp_path / "konseho.db", wall, **bounds))
        return tables[-1]

    yield make
    for table in tables:
        table.close()


def put(table: CacheTable, key: str, value: bytes = b"v", **seen: Any) -> None:
    seen = {"model": "openai:m", "about": "Tabs or spaces?", "tokens": 7, **seen}
    table.put(key.encode(), value, **seen)


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 100_000])
def test_what_is_put_is_what_is_got(opened: Open, size: int) -> None:
    table, value = opened(), b"ab" * (size // 2) + b"c" * (size % 2)
    put(table, "k", value)
    assert table.get(b"k") == value
    assert table.get(b"other") is None


def test_a_long_value_is_kept_small(opened: Open) -> None:
    table = opened()
    put(table, "long", b"the same again, " * 1000)
    assert table.totals().size < 1000


def test_a_value_that_was_broken_is_not_there(opened: Open) -> None:
    table = opened()
    for broken in (b"", b"\x02what", b"\x01not zstandard", 7):
        put(table, "k", b"x" * 2000)
        table._database.change("UPDATE cache SET value = ?", (broken,))
        assert table.get(b"k") is None


def test_an_answer_is_kept_for_thirty_days(opened: Open, wall: Wall) -> None:
    table = opened()
    put(table, "k")
    wall.now += 30 * DAY
    assert table.get(b"k") == b"v"
    wall.now += 1
    assert table.get(b"k") is None
    table.evict()
    assert table.totals().entries == 0


def test_of_too_many_the_least_recently_used_go(opened: Open, wall: Wall) -> None:
    table = opened(entries=2)
    for key in "abc":
        wall.now += 1
        put(table, key)
    wall.now += 1
    assert table.get(b"a") == b"v"
    table.evict()
    assert [table.get(key) for key in (b"a", b"b", b"c")] == [b"v", None, b"v"]


def test_of_too_much_the_least_recently_used_go(opened: Open, wall: Wall) -> None:
    table = opened(most_bytes=25)
    for key in "abc":
        wall.now += 1
        put(table, key, b"123456789")
    table.evict()
    assert [table.get(key) is None for key in (b"a", b"b", b"c")] == [True, False, False]


def test_bounds_hold_after_many_writes_without_a_close(opened: Open) -> None:
    table = opened(entries=10)
    for number in range(1000):
        table.together([partial(put, key=str(number))])
    assert table.totals().entries <= 10 + 256


def test_uses_are_written_down_at_the_end(opened: Open, tmp_path: Path, wall: Wall) -> None:
    table = CacheTable(tmp_path / "konseho.db", wall)
    put(table, "k")
    wall.now += 5
    table.get(b"k"), table.get(b"k")
    table.close()
    (kept,) = opened().list(Filter())
    assert (kept.hits, kept.used - kept.created) == (2, 5)


def test_totals_add_up_over_runs(opened: Open, wall: Wall) -> None:
    table = opened()
    assert table.totals() == Totals()
    put(table, "k", b"1234")
    for _ in range(2):
        table.count(hits=3, misses=1, saved_tokens=20, saved_cost=Decimal("0.00000015"))
    assert table.totals() == Totals(
        entries=1, size=5, oldest=wall.now, hits=6, misses=2, saved_tokens=40,
        saved_cost=Decimal("0.0000003"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Filter(), ""),
        (Filter(model="openai:*"), "c"),
        (Filter(pattern="*TABS*"), "bc"),
        (Filter(older_than_s=5.0), "bc"),
        (Filter(model="openai:*", older_than_s=5.0), "bc"),
        (Filter(model="nobody:*"), "abc"),
    ],
)
def test_what_is_meant_is_listed_and_cleared(
    opened: Open, wall: Wall, wanted: Filter, left: str
) -> None:
    table = opened()
    put(table, "a", about="Tabs?")
    wall.now += 10
    put(table, "b", about="Spaces?")
    put(table, "c", about="Monolith?", model="anthropic:claude")
    meant = table.list(wanted)
    assert table.clear(wanted) == len(meant) == 3 - len(left)
    assert [key for key in "abc" if table.get(key.encode())] == list(left)


def test_the_newest_is_listed_first(opened: Open, wall: Wall) -> None:
    table = opened()
    for about in ("first", "second"):
        put(table, about, about=about)
        wall.now += 1
    assert [kept.about for kept in table.list(Filter())] == ["second", "first"]


def test_patterns_are_those_of_a_shell_in_any_alphabet(opened: Open) -> None:
    table = opened()
    for key, model, about in (
        ("1", "sim:x", "Äpfel oder Birnen"), ("2", "openai:a", "Pears"), ("3", "openai:b", "x"),
    ):  # fmt: skip
        table.put(key.encode(), b"v", model=model, about=about, tokens=1)
    assert [each.model for each in table.list(Filter(pattern="äpfel*"))] == ["sim:x"]
    assert table.clear(Filter(model="[!s]*")) == 2
    assert [each.model for each in table.list(Filter())] == ["sim:x"]
