from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.memory_tier import MemoryTier


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_what_is_put_is_what_is_got_until_it_is_dropped() -> None:
    tier = MemoryTier(Clock(), entries=2)
    tier.put(b"k", b"v")
    assert tier.get(b"k") == b"v"
    tier.drop(b"k"), tier.drop(b"k")
    assert tier.get(b"k") is None


def test_the_least_recently_used_goes_first() -> None:
    tier = MemoryTier(Clock(), entries=2)
    tier.put(b"a", b"1"), tier.put(b"b", b"2")
    assert tier.get(b"a") == b"1"
    tier.put(b"c", b"3")
    assert [tier.get(key) for key in (b"a", b"b", b"c")] == [b"1", None, b"3"]


def test_an_entry_is_kept_for_its_time() -> None:
    clock = Clock()
    tier = MemoryTier(clock, entries=2, ttl_ns=10)
    tier.put(b"k", b"v")
    clock.now = 9
    assert tier.get(b"k") == b"v"
    clock.now = 10
    assert tier.get(b"k") is None


def test_what_is_larger_than_all_the_room_is_not_kept_and_disturbs_nothing() -> None:
    tier = MemoryTier(Clock(), entries=9, most_bytes=1000)
    tier.put(b"a", b"1")
    tier.put(b"b", b"x" * 1000)
    assert (tier.get(b"a"), tier.get(b"b")) == (b"1", None)


def test_no_room_for_entries_keeps_nothing() -> None:
    tier = MemoryTier(Clock(), entries=0)
    tier.put(b"a", b"1")
    assert tier.get(b"a") is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2000))))
def test_neither_bound_is_ever_passed(puts: list[tuple[int, int]]) -> None:
    tier = MemoryTier(Clock(), entries=5, most_bytes=5000)
    for name, size in puts:
        tier.put(bytes([name]), b"x" * size)
        assert len(tier) <= 5
        assert sum(len(tier.get(bytes([key])) or b"") for key in range(21)) <= 5000
