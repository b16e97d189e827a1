"""The whole store in memory: for virtual time, where no thread is waited for, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Self

import msgspec

from konseho_cli.core.errors import StoreFailed
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


class _Run:
    """What is kept of one run."""

    __slots__ = ("began", "calls", "ended", "events", "spans", "steps")

    def __init__(self, began: RunBegan) -> None:
        self.began = began
        self.ended: RunEnded | None = None
        self.steps: dict[str, StepKept] = {}
        self.calls: dict[tuple[tuple[str | int, ...], int], CallKept] = {}
        self.spans: dict[int, SpanKept] = {}
        self.events: list[EventKept] = []

    def begin_again(self, began: RunBegan) -> None:
        self.began = msgspec.structs.replace(began, started=self.began.started, again=())
        self.ended = None
        self.steps = {name: step for name, step in self.steps.items() if name not in began.again}

    def keep(self, record: Record) -> None:
        match record:
            case RunBegan():
                self.begin_again(record)
            case RunEnded():
                self.ended = record
            case StepKept():
                self.steps[record.step] = record
            case CallKept():
                self.calls[record.identity, record.session] = record
            case SpanKept():
                self.spans[record.id] = record
            case EventKept():
                self.events.append(record)

    def row(self) -> RunRow:
        calls = self.calls.values()
        return RunRow(
            began=self.began,
            ended=self.ended,
            calls=sum(call.model.partition(":")[0] not in ("human", "command") for call in calls),
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            cost=sum((call.cost for call in calls if call.cost is not None), Decimal(0)),
            unpriced=sum(call.cost is None for call in calls),
        )


class MemoryStore:
    """A `Store` that ends with the process. What is given to `soon` is kept at once."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._notes: dict[tuple[str, str], Note] = {}
        self._failure: StoreFailed | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def write(self, records: Sequence[Record]) -> None:
        """Keep all of them or none. Raises StoreFailed for a run that is not there."""
        self._raise_failure()
        self._keep(records)

    def soon(self, records: Sequence[Record]) -> None:
        """Keep them; what goes wrong is raised by the next `write`, or by `aclose`."""
        try:
            self._keep(records)
        except StoreFailed as error:
            self._failure = self._failure or error

    async def aclose(self) -> None:
        """Raise what nobody was told yet: StoreFailed. What is kept can still be read."""
        self._raise_failure()

    async def runs(self, wanted: Wanted) -> list[RunRow]:
        """The newest first."""
        found = (run for run in self._runs.values() if _fits(run, wanted))
        newest = sorted(found, key=lambda run: (run.began.started, run.began.run), reverse=True)
        return [run.row() for run in newest[: wanted.limit]]

    async def load(self, run: str) -> StoredRun | None:
        """One run by its whole id; None: there is none."""
        found = self._runs.get(run)
        if found is None:
            return None
        return StoredRun(
            row=found.row(),
            steps=tuple(sorted(found.steps.values(), key=lambda step: step.index)),
            calls=tuple(found.calls.values()),
        )

    async def trace(self, run: str) -> tuple[list[SpanKept], list[EventKept]]:
        """The spans by id, and the events by time."""
        found = self._runs.get(run)
        if found is None:
            return [], []
        spans = sorted(found.spans.values(), key=lambda span: span.id)
        return spans, sorted(found.events, key=lambda event: event.at)

    async def remove(self, runs: Sequence[str]) -> int:
        """Forget runs; how many there were."""
        return sum(self._runs.pop(run, None) is not None for run in runs)

    async def note(self, note: Note) -> None:
        """Keep it in the place of an earlier one."""
        self._notes[note.kind, note.name] = note

    async def notes(self, kind: str) -> list[Note]:
        """All of a kind, by name."""
        found = (note for note in self._notes.values() if note.kind == kind)
        return sorted(found, key=lambda note: note.name)

    async def forget(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        return any(
            self._notes.pop(key) is not None for key in [*self._notes] if key == (kind, name)
        )

    def _keep(self, records: Sequence[Record]) -> None:
        sessions = {name: run.began.session for name, run in self._runs.items()}
        for record in records:
            known = sessions.get(record.run)
            if isinstance(record, RunBegan):
                if known is not None and known != record.session - 1:
                    raise begun_before(record.run)
                sessions[record.run] = record.session
            elif known is None:
                raise unknown_run(record.run)
        for record in records:
            run = self._runs.get(record.run)
            if run is None:
                assert isinstance(record, RunBegan), "looked at above"
                self._runs[record.run] = _Run(record)
            else:
                run.keep(record)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def begun_before(run: str) -> StoreFailed:
    """Somebody else goes on with it."""
    return StoreFailed(f"run {run} was begun by somebody else in the meantime")


def unknown_run(run: str) -> StoreFailed:
    """A record came for a run that never began, or was removed."""
    return StoreFailed(f"run {run} is not in the store", hint="was it removed while it ran?")


def _fits(run: _Run, wanted: Wanted) -> bool:
    began = run.began
    status = run.ended.status if run.ended is not None else "unfinished"
    return (
        began.run.startswith(wanted.prefix)
        and (wanted.council is None or fnmatchcase(began.council, wanted.council))
        and (not wanted.status or status in wanted.status)
        and (wanted.since is None or began.started >= wanted.since)
        and (wanted.before is None or began.started < wanted.before)
    )
