"""The store in SQLite where things go wrong, and what it costs nobody to wait for."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TypeAlias

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store import writer
from konseho_cli.store.base import Wanted
from konseho_cli.store.cache_tier import CacheTier
from konseho_cli.store.sqlite_store import SqliteStore

Kept: TypeAlias = SimpleNamespace
Work: TypeAlias = Callable[[SqliteStore], Awaitable[object]]


def using(path: Path, work: Work) -> None:
    async def main() -> None:
        async with SqliteStore(path) as store:
            await work(store)

    asyncio.run(main())


def opened(path: Path) -> None:
    async def nothing(store: SqliteStore) -> None:
        pass

    using(path, nothing)


def pragma(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    found = connection.execute(f"PRAGMA {name}").fetchone()[0]
    connection.close()
    return found


def test_to_make_one_touches_nothing_and_reading_makes_no_file(tmp_path: Path) -> None:
    async def main() -> None:
        store = SqliteStore(tmp_path / "a.db")
        assert await store.runs(Wanted()) == []
        assert await store.load("r1") is None
        assert await store.notes("baseline") == []
        assert await store.remove(["r1"]) == 0
        await store.aclose()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_users_own_and_so_is_its_folder(tmp_path: Path) -> None:
    path = tmp_path / ".konseho" / "konseho.db"
    opened(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_all_that_wait_at_once_share_a_transaction(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    commit = writer.Writer.commit

    def counted(self: writer.Writer, batches: list[object]) -> object:
        sizes.append(len(batches))
        return commit(self, batches)  # type: ignore[arg-type]

    monkeypatch.setattr(writer.Writer, "commit", counted)

    async def work(store: SqliteStore) -> None:
        await store.write([kept.began()])
        await asyncio.gather(*(store.write([kept.call(turn=turn)]) for turn in range(50)))

    using(tmp_path / "a.db", work)
    assert sizes == [1, 50]


def test_who_stops_waiting_loses_nothing(tmp_path: Path, kept: Kept) -> None:
    async def work(store: SqliteStore) -> None:
        await store.write([kept.began()])
        waiting = asyncio.create_task(store.write([kept.call()]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await store.write([kept.call(turn=1)])
        found = await store.load("r1")
        assert found is not None
        assert [each.turn for each in found.calls] == [0, 1]

    using(tmp_path / "a.db", work)


def test_a_closed_store_keeps_no_more(tmp_path: Path, kept: Kept) -> None:
    async def work(store: SqliteStore) -> None:
        await store.aclose()
        with pytest.raises(StoreFailed, match="is closed"):
            await store.write([kept.began()])

    using(tmp_path / "a.db", work)


def test_half_a_character_costs_no_answer(tmp_path: Path, kept: Kept) -> None:
    async def work(store: SqliteStore) -> None:
        await store.write([kept.began(), kept.call(error="half: \ud83d")])
        found = await store.load("r1")
        assert found is not None
        assert found.calls[0].error == "half: \\ud83d"

    using(tmp_path / "a.db", work)


def test_answers_are_cached_in_the_same_file_at_the_same_time(tmp_path: Path, kept: Kept) -> None:
    async def work(store: SqliteStore) -> None:
        tier = CacheTier(lambda: store.path, lambda: 1e9)
        await store.write([kept.began()])
        for turn in range(50):
            tier.put(b"%d" % turn, b"v", model="m", about="a", tokens=1)
            await store.write([kept.call(turn=turn)])
            assert await tier.get(b"%d" % turn) == b"v"
        await tier.aclose()
        assert (await store.runs(Wanted()))[0].calls == 50

    using(tmp_path / "a.db", work)


@pytest.mark.parametrize(("sync", "level"), [("normal", 1), ("full", 2)])
def test_what_a_commit_outlives_can_be_chosen(tmp_path: Path, sync: str, level: int) -> None:
    one = writer.Writer(tmp_path / "a.db", sync)  # type: ignore[arg-type]
    assert one.open().rows("PRAGMA synchronous") == [(level,)]
    assert one.open().rows("PRAGMA foreign_keys") == [(1,)]
    one.close()


# ------------------------------------------------------------------ failures


def test_a_full_disk_fails_the_write_keeps_the_rest_and_can_be_got_over(
    tmp_path: Path, kept: Kept
) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path / "a.db") as store:
            await store.write([kept.began(), kept.call()])
            size = (tmp_path / "a.db-wal").stat().st_size
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            # Any file of this process: what SQLite is then told is what a full disk tells it.
            handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, before[1]))
            try:
                with pytest.raises(StoreFailed, match=r"a\.db: (disk|database)"):
                    await store.write([kept.call(turn=1, body=b"\x00" + os.urandom(100_000))])
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
                signal.signal(signal.SIGXFSZ, handler)
            await store.write([kept.call(turn=2)])
            found = await store.load("r1")
            assert found is not None
            assert [each.turn for each in found.calls] == [0, 2]

    asyncio.run(main())
    assert pragma(tmp_path / "a.db", "integrity_check") == "ok"


def test_a_file_that_may_not_grow_says_that_it_is_full(tmp_path: Path, kept: Kept) -> None:
    one = writer.Writer(tmp_path / "a.db", "normal")
    pages = one.open().rows("PRAGMA page_count")[0][0]
    one.open().rows(f"PRAGMA max_page_count = {pages + 10}")
    big = kept.call(body=b"\x00" + os.urandom(100_000))
    assert one.commit([[kept.began()]]) == [None]
    failures = one.commit([[kept.call(turn=1)], [big]])
    assert all("full" in str(failure) for failure in failures)
    assert one.commit([[kept.call(turn=1)]]) == [None]
    one.close()


NOBODY = 65534


@contextmanager
def without_rights() -> Iterator[None]:
    """Root writes anywhere, so for a moment we are not root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with TemporaryDirectory() as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o555)
        try:
            with without_rights(), pytest.raises(StoreFailed, match=r"a\.db") as caught:
                opened(Path(folder) / "a.db")
        finally:
            Path(folder).chmod(0o700)
    assert "--no-store" in str(caught.value.hint)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that root cannot write to")
def test_a_folder_that_not_even_root_can_write_to_is_named() -> None:
    with pytest.raises(StoreFailed, match=r"/proc/self/a\.db") as caught:
        opened(Path("/proc/self/a.db"))
    assert "--no-store" in str(caught.value.hint)


def test_a_file_that_another_process_holds_is_waited_for_and_then_named(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    path = tmp_path / "a.db"
    opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def work(store: SqliteStore) -> None:
        with pytest.raises(StoreFailed, match="locked") as caught:
            await store.write([kept.began()])
        assert "another process" in str(caught.value.hint)
        other.execute("ROLLBACK")
        await store.write([kept.began()])

    using(path, work)
    other.close()


def test_one_that_is_held_while_it_is_opened_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("konseho_cli.store.database.BUSY_S", 0.05)
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (a)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreFailed, match="locked") as caught:
        opened(path)
    other.close()
    assert "--no-store" in str(caught.value.hint)


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreFailed, match="written by a newer Konseho") as caught:
        opened(path)
    assert "--store" in str(caught.value.hint)
    assert pragma(path, "user_version") == 999


@pytest.mark.parametrize("size", [100, 5000])
def test_what_is_no_database_is_named_and_left_alone(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"\xff" * size)
    with pytest.raises(StoreFailed) as caught:
        opened(path)
    assert "move" in str(caught.value.hint)
    assert path.read_bytes() == b"\xff" * size


@pytest.mark.parametrize("damage", ["cut off", "garbage"])
def test_a_broken_file_fails_with_a_way_out_and_never_lies(
    tmp_path: Path, kept: Kept, damage: str
) -> None:
    path = tmp_path / "a.db"
    calls = [kept.call(turn=turn, body=b"\x00" + bytes(1000)) for turn in range(200)]

    async def fill(store: SqliteStore) -> None:
        await store.write([kept.began(), *calls])

    using(path, fill)
    content = bytearray(path.read_bytes())
    if damage == "cut off":
        del content[len(content) // 3 :]
    else:
        content[4096 * 4 : -4096] = b"garbage!" * ((len(content) - 4096 * 5) // 8)
    path.write_bytes(content)

    async def look(store: SqliteStore) -> None:
        await store.load("r1")
        await store.write([kept.call(turn=turn) for turn in range(200)])

    with pytest.raises(StoreFailed, match=r"a\.db") as caught:
        using(path, look)
    assert f"move {path} away" in str(caught.value.hint)


def test_a_failure_that_nobody_waits_for_any_more_is_told_to_who_comes_next(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    path = tmp_path / "a.db"

    async def work(store: SqliteStore) -> None:
        await store.write([kept.began()])
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.write([kept.call()]), 0.001)
        with pytest.raises(StoreFailed, match="locked"):
            await store.write([kept.call(turn=1)])  # it waits for its turn, behind the other
        holder.close()
        with pytest.raises(StoreFailed, match="locked"):
            await store.write([kept.call(turn=2)])
        await store.write([kept.call(turn=3)])

    using(path, work)
