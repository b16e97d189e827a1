"""What every store does, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.base import Note, Store, Wanted

Use: TypeAlias = Callable[..., None]
Kept: TypeAlias = SimpleNamespace


async def refused(store: Store, kept: Kept) -> None:
    """Write until something is raised."""
    async with asyncio.timeout(20):
        while True:
            await store.write([kept.call()])


def test_a_run_is_loaded_as_it_was_written(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        steps = (kept.step(step="b", index=1, reasons=("an agent dropped",)), kept.step())
        calls = (kept.call(), kept.call(agent="bob", status="failed", error="busy", cost=None))
        await store.write([kept.began(), calls[0]])
        await store.write([calls[1], *steps])
        await store.write([kept.ended()])
        found = await store.load("r1")
        assert found is not None
        assert found.row.began == kept.began()
        assert found.row.ended == kept.ended()
        assert found.steps == steps[::-1]
        assert found.calls == calls

    use(act)


def test_a_run_that_never_was_is_none(use: Use) -> None:
    async def act(store: Store) -> None:
        assert await store.load("r1") is None
        assert await store.trace("r1") == ([], [])
        assert await store.runs(Wanted()) == []

    use(act)


def test_the_calls_of_a_run_are_added_up(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        calls = [
            kept.call(turn=0),
            kept.call(turn=1, status="cancelled", cost=Decimal("0.5")),
            kept.call(turn=2, status="failed", cost=None),
        ]
        await store.write([kept.began(), *calls])
        (row,) = await store.runs(Wanted())
        assert (row.calls, row.input_tokens, row.output_tokens) == (3, 300, 60)
        assert (row.cost, row.unpriced) == (Decimal("0.500000123"), 1)
        assert (row.sessions, row.ended) == (1, None)

    use(act)


def test_people_and_programs_are_no_calls(use: Use, kept: Kept) -> None:
    async def session(store: Store) -> None:
        asked = kept.call(agent="boss", model="human:boss", source="human")
        executed = kept.call(agent="pytest", model="command:pytest")
        silent = kept.call(agent="ana", model="human", status="failed")
        await store.write([kept.began(), kept.call(), asked, silent, executed])
        (row,) = await store.runs(Wanted())
        assert row.calls == 1

    use(session)


def test_a_later_record_takes_the_place_of_the_same_thing(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began(), kept.call(), kept.call(turn=1), kept.step()])
        again = kept.call(status="failed", body=b"\x00\xc0")
        await store.write([again, kept.step(status="failed"), kept.ended(status="failed")])
        await store.write([kept.ended()])
        found = await store.load("r1")
        assert found is not None
        assert found.calls == (again, kept.call(turn=1))
        assert found.steps == (kept.step(status="failed"),)
        assert found.row.ended == kept.ended()

    use(act)


IDENTITY = {
    "path": "argue~1", "iteration": 1, "item": "a", "agent": "bob", "turn": 1, "repair": 1,
    "tool_turn": 1,
}  # fmt: skip


@pytest.mark.parametrize("field", IDENTITY)
def test_calls_whose_identity_differs_are_two(use: Use, kept: Kept, field: str) -> None:
    async def act(store: Store) -> None:
        other = kept.call(**{field: IDENTITY[field]})
        await store.write([kept.began(), kept.call(), other])
        found = await store.load("r1")
        assert found is not None
        assert found.calls == (kept.call(), other)

    use(act)


def test_a_run_that_goes_on_keeps_its_beginning_and_its_calls_and_loses_its_end(
    use: Use, kept: Kept
) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began(), kept.call(), kept.step(), kept.ended(status="failed")])
        for session in (1, 3):
            with pytest.raises(StoreFailed, match="somebody else"):
                await store.write([kept.began(session=session)])
        again = kept.began(
            started=2000.0, process="host:56:78", version="0.2", session=2, mended=1, again=("x",)
        )
        await store.write([kept.step(step="x", index=1)])
        await store.write([again])
        found = await store.load("r1")
        assert found is not None
        assert found.row.began == replace(again, started=1000.5, again=())
        assert (found.row.ended, found.row.sessions) == (None, 2)
        assert (found.calls, found.steps) == ((kept.call(),), (kept.step(),))
        await store.write([kept.call(session=2, body=b"\x00\xc0")])
        found = await store.load("r1")
        assert found is not None
        assert found.calls == (kept.call(), kept.call(session=2, body=b"\x00\xc0"))
        assert found.row.input_tokens == 200  # both were paid for

    use(act)


def test_spans_and_events_come_back_in_order(use: Use, kept: Kept) -> None:
    events = [kept.event(at=at, name=name) for at, name in ((1, "a"), (3, "c"), (3, "b"))]
    spans = [kept.span(id=3, parent=1, waker=2), kept.span(id=1)]

    async def act(store: Store) -> None:
        await store.write([kept.began()])
        store.soon([*spans, *events[1:], events[0], kept.span(id=1, kind="step")])

    async def later(store: Store) -> None:
        found = await store.trace("r1")
        assert found == ([kept.span(id=1, kind="step"), spans[0]], events)

    use(act, later)


def test_spans_can_be_written_and_steps_can_come_soon(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began(), kept.span()])
        store.soon([kept.step(), kept.call(), kept.event()])

    async def later(store: Store) -> None:
        found = await store.load("r1")
        assert found is not None
        assert (found.steps, found.calls) == ((kept.step(),), (kept.call(),))

    use(act, later)


def test_a_run_that_has_its_end_has_what_was_to_come_soon_before_it(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began()])
        store.soon([kept.step(), kept.span()])
        await store.write([kept.ended()])
        found = await store.load("r1")
        assert found is not None
        assert (found.steps, found.row.ended) == ((kept.step(),), kept.ended())
        assert await store.trace("r1") == ([kept.span()], [])

    use(act)


def test_all_or_nothing_of_what_is_written_together(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began()])
        for alien in (kept.call("r2"), kept.step("r2"), kept.span("r2"), kept.event("r2"),
                      kept.ended("r2")):  # fmt: skip
            with pytest.raises(StoreFailed, match="run r2 is not in the store"):
                await store.write([kept.call(), kept.ended(), alien])
        found = await store.load("r1")
        assert found is not None
        assert (found.calls, found.row.ended) == ((), None)
        await store.write([kept.call()])

    use(act)


def test_one_writers_failure_is_not_its_neighbours(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began()])
        writes = [store.write([kept.call(turn=turn)]) for turn in range(5)]
        writes.insert(2, store.write([kept.call("r2")]))
        came = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(each) for each in came] == [type(None)] * 2 + [StoreFailed] + [type(None)] * 3
        found = await store.load("r1")
        assert found is not None
        assert [each.turn for each in found.calls] == [0, 1, 2, 3, 4]

    use(act)


def test_what_goes_wrong_later_is_told_once(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began()])
        store.soon([kept.span("r2")] * 1000)  # so many are not put off
        with pytest.raises(StoreFailed, match="run r2"):
            await refused(store, kept)
        await store.write([kept.call()])

    use(act)


def test_closing_tells_what_nobody_was_told(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        store.soon([kept.span("r2")])
        with pytest.raises(StoreFailed, match="run r2"):
            await store.aclose()

    use(act)


def test_runs_are_listed_the_newest_first(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        for run, started in (("ra", 1.0), ("rb", 3.0), ("rc", 2.0), ("rd", 2.0)):
            await store.write([kept.began(run, started=started)])
        assert [row.began.run for row in await store.runs(Wanted())] == ["rb", "rd", "rc", "ra"]
        assert [row.began.run for row in await store.runs(Wanted(limit=2))] == ["rb", "rd"]

    use(act)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(prefix="a"), ["a2", "a1"]),
        (Wanted(prefix="_"), []),
        (Wanted(prefix="A"), []),
        (Wanted(council="re*"), ["b1", "a1"]),
        (Wanted(council="RE*"), []),
        (Wanted(council="[!r]*"), ["a2"]),
        (Wanted(status=("ok",)), ["a1"]),
        (Wanted(status=("ok", "unfinished")), ["b1", "a1"]),
        (Wanted(status=("limit", "failed")), ["a2"]),
        (Wanted(since=2.0), ["b1", "a2"]),
        (Wanted(before=2.0), ["a1"]),
        (Wanted(prefix="a", since=2.0, limit=1), ["a2"]),
        (Wanted(limit=0), []),
    ],
)
def test_runs_are_found_by_what_is_wanted(
    use: Use, kept: Kept, wanted: Wanted, found: list[str]
) -> None:
    async def act(store: Store) -> None:
        await store.write([kept.began("a1", started=1.0), kept.ended("a1")])
        await store.write([kept.began("a2", started=2.0, council="tax")])
        await store.write([kept.ended("a2", status="failed"), kept.began("b1", started=3.0)])
        assert [row.began.run for row in await store.runs(wanted)] == found

    use(act)


def test_what_is_removed_is_gone_with_all_that_belongs_to_it(use: Use, kept: Kept) -> None:
    async def act(store: Store) -> None:
        for run in ("r1", "r2", "r3"):
            await store.write([
                kept.began(run), kept.call(run), kept.step(run), kept.span(run), kept.event(run),
            ])  # fmt: skip
        assert await store.remove(["r1", "r3", "r1", "r9"]) == 2
        assert await store.remove([]) == 0
        assert [row.began.run for row in await store.runs(Wanted())] == ["r2"]
        assert await store.trace("r1") == ([], [])
        assert await store.trace("r2") == ([kept.span("r2")], [kept.event("r2")])
        await store.write([kept.began()])
        found = await store.load("r1")
        assert found is not None
        assert (found.calls, found.steps, found.row.sessions) == ((), (), 1)

    use(act)


def test_notes_are_kept_by_kind_and_name(use: Use) -> None:
    def made(name: str, body: bytes = b"\x00\xc0", kind: str = "baseline") -> Note:
        return Note(kind=kind, name=name, made=1.5, body=body)  # type: ignore[arg-type]

    async def act(store: Store) -> None:
        for note in (made("b"), made("a"), made("b", b"\x00\xc3"), made("a", kind="learning")):
            await store.note(note)
        assert await store.notes("baseline") == [made("a"), made("b", b"\x00\xc3")]
        assert await store.notes("learning") == [made("a", kind="learning")]
        assert await store.forget("baseline", "a") is True
        assert await store.forget("baseline", "a") is False
        assert await store.notes("baseline") == [made("b", b"\x00\xc3")]

    use(act)
