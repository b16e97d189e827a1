"""A store in memory: for virtual time, and for tests of whoever uses a store."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from konseho_cli.store.base import (
    CallKept,
    EventKept,
    Note,
    Record,
    RunBegan,
    RunEnded,
    RunRow,
    SpanKept,
    StepKept,
    StoredRun,
    Wanted,
)


class _Kept:
    def __init__(self, began: RunBegan) -> None:
        self.began = began
        self.sessions = 0
        self.ended: RunEnded | None = None
        self.steps: dict[str, StepKept] = {}
        self.calls: dict[tuple[object, ...], CallKept] = {}
        self.spans: dict[int, SpanKept] = {}
        self.events: list[EventKept] = []


class MemoryStore:
    """The whole `Store`."""

    def __init__(self) -> None:
        self._runs: dict[str, _Kept] = {}
        self._notes: dict[tuple[str, str], Note] = {}

    async def write(self, records: Sequence[Record]) -> None:
        """Keep them."""
        self.soon(records)

    def soon(self, records: Sequence[Record]) -> None:
        """Keep them."""
        for record in records:
            if isinstance(record, RunBegan):
                kept = self._runs.setdefault(record.run, _Kept(record))
                kept.sessions += 1
                kept.ended = None
            self._put(self._runs[record.run], record)

    @staticmethod
    def _put(kept: _Kept, record: Record) -> None:
        match record:
            case CallKept():
                key = (
                    record.path, record.iteration, record.item, record.agent, record.turn,
                    record.repair, record.tool_turn,
                )  # fmt: skip
                kept.calls.pop(key, None)
                kept.calls[key] = record
            case StepKept():
                kept.steps[record.step] = record
            case SpanKept():
                kept.spans[record.id] = record
            case EventKept():
                kept.events.append(record)
            case RunEnded():
                kept.ended = record
            case _:
                pass

    async def aclose(self) -> None:
        """Nothing to do."""

    async def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first."""
        rows = [_row(kept) for kept in self._runs.values()]
        rows = [row for row in rows if _is_wanted(row, wanted)]
        rows.sort(key=lambda row: (row.began.started, row.began.run), reverse=True)
        return rows[: wanted.limit]

    async def load(self, run: str) -> StoredRun | None:
        """One run."""
        kept = self._runs.get(run)
        if kept is None:
            return None
        steps = sorted(kept.steps.values(), key=lambda step: step.index)
        return StoredRun(row=_row(kept), steps=tuple(steps), calls=tuple(kept.calls.values()))

    async def trace(self, run: str) -> tuple[list[SpanKept], list[EventKept]]:
        """Its spans and events."""
        kept = self._runs.get(run)
        return ([], []) if kept is None else ([*kept.spans.values()], kept.events)

    async def remove(self, runs: Sequence[str]) -> int:
        """Forget them."""
        return sum(self._runs.pop(run, None) is not None for run in runs)

    async def note(self, note: Note) -> None:
        """Keep it."""
        self._notes[note.kind, note.name] = note

    async def notes(self, kind: str) -> list[Note]:
        """By name."""
        return sorted((n for n in self._notes.values() if n.kind == kind), key=lambda n: n.name)

    async def forget(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        return self._notes.pop((kind, name), None) is not None


def _row(kept: _Kept) -> RunRow:
    calls = [call for call in kept.calls.values() if call.status != "cancelled"]
    return RunRow(
        began=kept.began, ended=kept.ended, sessions=kept.sessions, calls=len(calls),
        input_tokens=sum(call.input_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        cost=sum((call.cost for call in calls if call.cost is not None), Decimal(0)),
        unpriced=sum(call.cost is None for call in calls),
    )  # fmt: skip


def _is_wanted(row: RunRow, wanted: Wanted) -> bool:
    began, status = row.began, row.ended.status if row.ended else "unfinished"
    return (
        began.run.startswith(wanted.prefix)
        and (wanted.council is None or fnmatchcase(began.council, wanted.council))
        and (not wanted.status or status in wanted.status)
        and (wanted.since is None or began.started >= wanted.since)
        and (wanted.before is None or began.started < wanted.before)
    )
