from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.cache_table import CacheTable, Filter
from konseho_cli.store.cache_tier import CacheTier


def use(home: Path, work: Callable[[CacheTier], Awaitable[object]]) -> None:
    async def main() -> None:
        tier = CacheTier(lambda: home / "konseho.db", lambda: 1e9)
        try:
            await work(tier)
        finally:
            await tier.aclose()

    asyncio.run(main())


def test_what_is_put_can_be_got_at_once_and_by_the_next_process(tmp_path: Path) -> None:
    async def first(tier: CacheTier) -> None:
        assert await tier.get(b"k") is None
        tier.put(b"k", b"v", model="m", about="a", tokens=1)
        assert await tier.get(b"k") == b"v"

    async def second(tier: CacheTier) -> None:
        assert await tier.get(b"k") == b"v"
        tier.drop(b"k")
        assert await tier.get(b"k") is None

    use(tmp_path, first)
    use(tmp_path, second)


def test_closing_writes_what_was_put_last(tmp_path: Path) -> None:
    async def work(tier: CacheTier) -> None:
        for number in range(100):
            tier.put(b"%d" % number, b"v", model="m", about="a", tokens=1)
        tier.count(hits=1, misses=2, saved_tokens=3, saved_cost=Decimal(0))

    use(tmp_path, work)
    table = CacheTable(tmp_path / "konseho.db", lambda: 1e9)
    assert len(table.list(Filter())) == 100
    assert table.totals().misses == 2
    table.close()


def test_two_tiers_use_one_database_at_once(tmp_path: Path) -> None:
    async def both(one: CacheTier) -> None:
        two = CacheTier(lambda: tmp_path / "konseho.db", lambda: 1e9)
        for number in range(50):
            one.put(b"%d" % number, b"one", model="m", about="a", tokens=1)
            two.put(b"%d" % (number + 50), b"two", model="m", about="a", tokens=1)
        assert await two.get(b"99") == b"two"
        assert await one.get(b"49") == b"one"
        await two.aclose()
        assert await one.get(b"99") == b"two"

    use(tmp_path, both)


def test_a_tier_that_nobody_asks_makes_no_file(tmp_path: Path) -> None:
    async def nothing(tier: CacheTier) -> None:
        pass

    use(tmp_path / "home", nothing)
    assert not (tmp_path / "home").exists()


def test_what_could_not_be_written_is_said_at_the_latest_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def work(tier: CacheTier) -> None:
        tier.put(b"k", b"v", model="m", about="a", tokens=1)
        tier.put(b"l", b"v", model="m", about="a", tokens=1)

    with pytest.raises(StoreFailed, match="cannot be made"):
        use(tmp_path / "file" / "home", work)


def test_what_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "konseho.db").write_bytes(b"junk" * 1000)

    async def work(tier: CacheTier) -> None:
        for _ in range(2):
            with pytest.raises(StoreFailed, match="not a database"):
                await tier.get(b"k")

    with pytest.raises(StoreFailed, match="not a database"):
        use(tmp_path, work)
