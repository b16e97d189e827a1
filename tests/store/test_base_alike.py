"""The law of stores: whatever is written in whatever order, SQLite keeps what memory keeps."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.base import Store, Wanted
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.store.sqlite_store import SqliteStore

RUNS = st.sampled_from(["a", "ab", "b"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
SMALL = st.integers(0, 2)
COSTS = st.none() | st.integers(0, 10**12).map(lambda nanos: Decimal(nanos).scaleb(-9))
BODIES = st.binary(max_size=3)
FIELDS = {
    "began": {"session": st.integers(1, 3), "started": st.floats(0, 5), "models": st.lists(TEXT).map(tuple), "document": BODIES,
              "simulated": st.booleans(), "task": TEXT},
    "call": {"agent": TEXT, "turn": SMALL, "cost": COSTS, "body": BODIES, "label": TEXT,
             "status": st.sampled_from(["ok", "failed", "cancelled"])},
    "step": {"step": st.sampled_from(["x", "y"]), "index": SMALL, "body": BODIES,
             "reasons": st.lists(TEXT).map(tuple), "start": st.none() | SMALL},
    "span": {"id": SMALL, "parent": st.none() | SMALL, "start": st.integers(-(2**63), 2**63 - 1)},
    "event": {"at": SMALL, "name": TEXT},
    "ended": {"status": st.sampled_from(["ok", "failed"]), "error": TEXT, "body": BODIES},
}  # fmt: skip
RECORDS = st.one_of(
    st.tuples(st.just(kind), RUNS, st.fixed_dictionaries({}, optional=fields))
    for kind, fields in FIELDS.items()
)
ACTS = st.lists(
    st.tuples(st.just("write"), st.lists(RECORDS, max_size=4))
    | st.tuples(st.just("remove"), st.lists(RUNS, max_size=2)),
    max_size=8,
)


async def come_to(store: Store, acts: list[tuple[str, Any]], kept: SimpleNamespace) -> list[Any]:
    """What each act came to, and what is there after them."""
    seen: list[Any] = []
    for what, given_ in acts:
        if what == "remove":
            seen.append(await store.remove(given_))
            continue
        records = [getattr(kept, kind)(run, **fields) for kind, run, fields in given_]
        # Whether a run that begins in the same batch may follow its own records is left open.
        records.sort(key=lambda record: type(record).__name__ != "RunBegan")
        try:
            await store.write(records)
        except StoreFailed:
            seen.append(StoreFailed)  # of two reasons either may be told
    for row in await store.runs(Wanted()):
        run = row.began.run
        stored = await store.load(run)
        assert stored is not None
        assert stored.row == row
        steps = sorted(stored.steps, key=lambda step: step.step)
        seen.append((row, steps, stored.calls, await store.trace(run)))
    return seen


@settings(max_examples=60, deadline=None)
@given(acts=ACTS)
def test_sqlite_keeps_what_memory_keeps(acts: list[tuple[str, Any]], kept: SimpleNamespace) -> None:
    async def both() -> None:
        with TemporaryDirectory() as folder:
            async with SqliteStore(Path(folder) / "a.db") as store:
                assert await come_to(store, acts, kept) == await come_to(MemoryStore(), acts, kept)

    asyncio.run(both())
