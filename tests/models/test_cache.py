from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import StoreFailed
from konseho_cli.models.base import Message, Reply, Request, Usage
from konseho_cli.models.cache import CacheStats, ResponseCache, decode, encode
from konseho_cli.models.memory_tier import MemoryTier

KEY = b"k" * 32
ASKED = Request(model="m", messages=(Message("system", "role"), Message("user", "Tabs?\n  Or?")))
REPLY = Reply(text="Tabs.", model="openai:m", usage=Usage(input_tokens=5, output_tokens=2))


@dataclass
class Below:
    """A tier that notes what it is told, and breaks when it should."""

    kept: dict[bytes, bytes] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    gets: int = 0
    broken: StoreFailed | None = None

    async def get(self, key: bytes) -> bytes | None:
        self.gets += 1
        await asyncio.sleep(0)
        self._break()
        return self.kept.get(key)

    def put(self, key: bytes, value: bytes, **seen: Any) -> None:
        self.kept[key] = value
        self.seen.append(seen)

    def drop(self, key: bytes) -> None:
        del self.kept[key]

    def count(self, **counts: Any) -> None:
        self.counts.append(counts)

    async def aclose(self) -> None:
        self._break()

    def _break(self) -> None:
        if self.broken is not None:
            raise self.broken


def memory() -> MemoryTier:
    return MemoryTier(lambda: 0, entries=10)


def test_an_answer_that_was_kept_comes_back_as_it_was_but_for_its_cost() -> None:
    below = Below()
    first = ResponseCache(memory(), below, price=lambda model, usage: Decimal("0.25"))
    first.keep(KEY, ASKED, REPLY)
    entry = first.recall(KEY)
    assert entry is not None
    assert entry.reply == Reply(text="Tabs.", model="openai:m")
    assert entry.usage == REPLY.usage

    second = ResponseCache(memory(), below)
    assert second.recall(KEY) is None
    assert asyncio.run(second.fetch(KEY)) == entry
    assert second.recall(KEY) == entry  # now in memory
    assert second.stats == CacheStats(
        stored_hits=1, memory_hits=1, saved_tokens=14, saved_cost=Decimal("0.5")
    )
    assert below.gets == 1


def test_people_find_an_entry_by_how_its_last_question_began() -> None:
    below = Below()
    cache = ResponseCache(memory(), below)
    cache.keep(KEY, ASKED, REPLY)
    cache.keep(KEY, Request(model="m", messages=(Message("user", "\ud83d " + "x" * 5000),)), REPLY)
    assert below.seen[0] == {"model": "openai:m", "about": "Tabs? Or?", "tokens": 7}
    assert len(below.seen[1]["about"]) == 200
    below.seen[1]["about"].encode()


TEXT = st.text(st.characters(), max_size=50)  # halves of pairs too


@given(TEXT, st.integers(0, 2**40), st.none() | st.decimals(0, 10**6, places=9))
def test_every_text_survives(text: str, tokens: int, cost: Decimal | None) -> None:
    reply = Reply(text=text, model="m", usage=Usage(input_tokens=tokens, cached_tokens=tokens))
    entry = decode(encode(reply, cost))
    assert entry is not None
    assert (entry.reply.text, entry.usage) == (text, reply.usage)
    assert entry.cost == (None if cost is None else str(cost))


@given(st.binary())
def test_bytes_that_are_no_entry_are_none(junk: bytes) -> None:
    assert decode(junk) is None


@pytest.mark.parametrize(
    "fields",
    [
        [1, b"a", "m", 1, 1, 0, 0],
        [1, b"a", "m", 1, 1, 0, 0, None, 7],
        [2, b"a", "m", 1, 1, 0, 0, None],
        [1, b"a", "m", 1, 1, 0, 0, "dear"],
        [1, b"\xff", "m", 1, 1, 0, 0, None],
        [1, "a", "m", 1, 1, 0, 0, None],
    ],
)
def test_an_entry_that_is_not_exactly_ours_is_none(fields: list[Any]) -> None:
    assert decode(msgspec.msgpack.encode(fields)) is None


def test_a_broken_entry_is_a_miss_and_is_dropped() -> None:
    below = Below(kept={KEY: b"junk"})
    cache = ResponseCache(memory(), below)
    assert asyncio.run(cache.fetch(KEY)) is None
    assert below.kept == {}
    assert cache.stats.hits == 0


def test_what_is_learnt_while_the_tier_is_asked_is_not_asked_again() -> None:
    cache = ResponseCache(memory(), Below())

    async def main() -> bool:
        looking = asyncio.ensure_future(cache.fetch(KEY))
        await asyncio.sleep(0)
        cache.keep(KEY, ASKED, REPLY)
        return await looking is not None

    assert asyncio.run(main())


def test_a_tier_that_breaks_is_left_out_and_named_once() -> None:
    below = Below(broken=StoreFailed("disk full", hint="make room"))
    cache = ResponseCache(memory(), below)

    async def main() -> None:
        assert await cache.fetch(KEY) is None
        assert await cache.fetch(KEY) is None
        cache.keep(KEY, ASKED, REPLY)
        await cache.aclose()

    asyncio.run(main())
    assert cache.warnings == ["answers are not kept on disk: disk full (make room)"]
    assert (below.gets, below.kept, cache.has_below) == (1, {}, False)
    assert cache.recall(KEY) is not None


def test_a_tier_that_breaks_at_the_end_is_named_too() -> None:
    below = Below()
    cache = ResponseCache(memory(), below)
    cache.keep(KEY, ASKED, REPLY)
    below.broken = StoreFailed("disk full")
    asyncio.run(cache.aclose())
    assert cache.warnings == ["answers are not kept on disk: disk full"]


def test_what_a_run_saved_is_counted_over_all_runs() -> None:
    below = Below()
    cache = ResponseCache(memory(), below, price=lambda model, usage: Decimal(1))
    cache.keep(KEY, ASKED, REPLY)
    cache.missed(), cache.recall(KEY), cache.shared(REPLY)
    asyncio.run(cache.aclose())
    assert below.counts == [{"hits": 1, "misses": 1, "saved_tokens": 14, "saved_cost": Decimal(2)}]
    assert cache.stats.shared == 1


def test_a_run_that_looked_for_nothing_counts_nothing() -> None:
    below = Below()
    asyncio.run(ResponseCache(memory(), below).aclose())
    assert below.counts == []


def test_without_a_tier_below_there_is_nothing_to_wait_for() -> None:
    cache = ResponseCache(memory())
    assert not cache.has_below
    assert asyncio.run(cache.fetch(KEY)) is None
    asyncio.run(cache.aclose())
