"""Agents are parsed once, noticed when they change, and let go when there is no room."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.agents.prompt_cache import SharedPromptCache, shared
from konseho_cli.core.errors import InvalidCouncil

LATER = 10**19
"""A wall clock at which every file was changed long ago."""


class Hands:
    """Clocks and a probe that stand where a test puts them."""

    def __init__(self) -> None:
        self.time = 0.0
        self.wall_ns = LATER
        self.pressure = 0.0
        self.asked = 0

    def cache(self, **fields: Any) -> SharedPromptCache:
        def pressure() -> float:
            self.asked += 1
            return self.pressure

        return SharedPromptCache(
            clock=lambda: self.time, wall_ns=lambda: self.wall_ns, pressure=pressure, **fields
        )


@pytest.fixture
def hands() -> Hands:
    return Hands()


def write(folder: Path, name: str, role: str = "You look.") -> Path:
    path = folder / f"{name}.md"
    path.write_text(f"---\nname: {name}\n---\n{role}\n", encoding="utf-8")
    return path


def roles(cache: SharedPromptCache, *paths: Path) -> list[str]:
    return [cache.agent(path).agent.role for path in paths]


def test_a_file_is_parsed_once(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache()
    first = cache.agent(path)
    assert first.agent.role == "You look."
    assert cache.agent(path) is cache.agent(str(path)) is first
    stats = cache.stats
    assert (stats.hits, stats.misses, stats.entries) == (2, 1, 1)
    assert stats.hit_rate == pytest.approx(2 / 3)
    assert stats.bytes > path.stat().st_size


def test_however_it_is_named_a_file_is_one_entry(
    tmp_path: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache()
    (tmp_path / "link.md").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    found = {id(cache.agent(name)) for name in (path, "ann.md", "./ann.md", "link.md")}
    assert len(found) == cache.stats.entries == 1


def test_a_changed_file_is_read_again(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache()
    assert roles(cache, path) == ["You look."]
    write(tmp_path, "ann", "You look twice.")
    assert roles(cache, path, path) == ["You look twice."] * 2
    stats = cache.stats
    assert (stats.hits, stats.misses, stats.invalidations) == (1, 2, 1)


def test_a_file_that_was_only_touched_is_not_parsed_again(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache()
    first = cache.agent(path)
    os.utime(path, (1, 1))
    assert cache.agent(path) is first
    assert (cache.stats.hits, cache.stats.misses) == (1, 1)


def test_a_change_within_the_grain_of_the_clock_is_noticed(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann", "one"), hands.cache()
    hands.wall_ns = max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) + 1000
    roles(cache, path)
    seen = cache._entries.listed()[str(path)]
    write(tmp_path, "ann", "two")
    now = path.stat()
    state = (now.st_mtime_ns, now.st_ctime_ns, now.st_size, now.st_ino)
    assert not seen.settled
    cache._entries[str(path)] = type(seen)(
        agent=seen.agent, state=state, settled=False, checksum=seen.checksum, size=seen.size
    )
    assert roles(cache, path) == ["two"]  # though its state says that nothing changed


def test_a_failure_is_never_kept(tmp_path: Path, hands: Hands) -> None:
    path, cache = tmp_path / "ann.md", hands.cache()
    for text in (None, "---\nname: ann\n"):
        if text is not None:
            path.write_text(text, encoding="utf-8")
        for _ in range(2):
            with pytest.raises(InvalidCouncil):
                cache.agent(path)
    assert cache.stats.entries == 0
    write(tmp_path, "ann")
    assert roles(cache, path) == ["You look."]
    path.write_text("---\nname: ann\n", encoding="utf-8")
    with pytest.raises(InvalidCouncil):
        cache.agent(path)
    assert cache.stats.entries == 0


def test_a_file_that_is_gone_is_gone(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache()
    roles(cache, path)
    path.unlink()
    with pytest.raises(InvalidCouncil, match="does not exist"):
        cache.agent(path)


def test_the_least_recently_used_go_first(tmp_path: Path, hands: Hands) -> None:
    ann, bob, cid = (write(tmp_path, name) for name in ("ann", "bob", "cid"))
    cache = hands.cache(most_entries=2)
    roles(cache, ann, bob, ann, cid)
    assert (cache.stats.entries, cache.stats.evictions) == (2, 1)
    misses = cache.stats.misses
    roles(cache, ann, cid)
    assert cache.stats.misses == misses
    roles(cache, bob)
    assert cache.stats.misses == misses + 1


def test_bytes_are_bounded_too(tmp_path: Path, hands: Hands) -> None:
    paths = [write(tmp_path, f"a{number}", "x" * 5000) for number in range(5)]
    cache = hands.cache(most_bytes=15_000)
    roles(cache, *paths)
    assert (cache.stats.entries, cache.stats.evictions) == (2, 3)
    assert cache.stats.bytes <= 15_000


def test_what_is_too_large_is_handed_out_and_not_kept(tmp_path: Path, hands: Hands) -> None:
    cache = hands.cache(most_bytes=2000)
    assert roles(cache, write(tmp_path, "ann", "x" * 5000)) == ["x" * 5000]
    assert cache.stats.entries == 0


def test_entries_grow_old(tmp_path: Path, hands: Hands) -> None:
    path, cache = write(tmp_path, "ann"), hands.cache(ttl_s=60)
    roles(cache, path)
    hands.time = 59.0
    roles(cache, path)
    assert cache.stats.misses == 1
    hands.time = 61.0
    assert cache.stats.entries == 0
    roles(cache, path)
    assert (cache.stats.misses, cache.stats.evictions) == (2, 1)


def test_half_of_them_go_where_the_memory_runs_short(tmp_path: Path, hands: Hands) -> None:
    paths = [write(tmp_path, f"a{number}") for number in range(9)]
    cache = hands.cache()
    roles(cache, *paths)
    assert (hands.asked, cache.stats.entries) == (1, 9)
    hands.pressure, hands.time = 0.95, 6.0
    roles(cache, write(tmp_path, "more"))
    assert (hands.asked, cache.stats.entries) == (2, 5)
    assert cache.stats.evictions == 5


def test_agents_can_be_read_ahead(tmp_path: Path, hands: Hands) -> None:
    paths = [write(tmp_path, name) for name in ("ann", "bob")]
    cache = hands.cache()
    assert cache.preload([*paths, tmp_path / "none.md"]) == 2
    roles(cache, *paths)
    assert cache.stats.hits == 2


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("*", 0), ("ann", 1), ("*/bob.md", 1), ("[ab]??", 0), ("*.txt", 2), ("ANN", 2)],
)
def test_a_pattern_over_paths_or_names_forgets(
    tmp_path: Path, hands: Hands, pattern: str, left: int
) -> None:
    cache = hands.cache()
    cache.preload([write(tmp_path, "ann"), write(tmp_path, "bob")])
    assert cache.invalidate(pattern) == 2 - left
    assert (cache.stats.entries, cache.stats.invalidations) == (left, 2 - left)


def test_one_file_or_all_can_be_forgotten(tmp_path: Path, hands: Hands) -> None:
    ann, bob = write(tmp_path, "ann"), write(tmp_path, "bob")
    cache = hands.cache()
    cache.preload([ann, bob])
    assert cache.invalidate_file(ann)
    assert not cache.invalidate_file(ann)
    assert cache.stats.entries == 1
    cache.clear()
    assert cache.stats.entries == 0


def test_only_what_changed_is_forgotten(tmp_path: Path, hands: Hands) -> None:
    ann, bob, cid, dee = (write(tmp_path, name) for name in ("ann", "bob", "cid", "dee"))
    cache = hands.cache()
    cache.preload([ann, bob, cid, dee])
    write(tmp_path, "bob", "You look twice.")
    os.utime(cid, (1, 1))
    dee.unlink()
    assert cache.invalidate_changed() == 2
    assert cache.stats.entries == 2


def test_threads_share_it(tmp_path: Path, hands: Hands) -> None:
    paths = [write(tmp_path, f"a{number}", f"role {number}") for number in range(20)]
    cache = hands.cache(most_entries=10)

    def work(seed: int) -> bool:
        order = paths[seed % 20 :] + paths[: seed % 20]
        if seed % 7 == 0:
            cache.invalidate("a1*")
        return roles(cache, *order) == [f"role {path.stem[1:]}" for path in order]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(60)))
    stats = cache.stats
    assert stats.hits + stats.misses == 60 * 20
    assert stats.entries <= 10


def test_the_process_has_one_of_its_own() -> None:
    assert shared() is shared()
