"""Runs that are kept, read for the commands that show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from konseho_cli.cli.stored import with_store
from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import Duration
from konseho_cli.engine.history import recalled
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.remembered import decode
from konseho_cli.profiling.verdicts import Verdict, verdicts
from konseho_cli.spec.settings import said_over
from konseho_cli.store.base import RunReader, RunRow, StoredRun, Wanted
from konseho_cli.store.find import find_run, find_stored
from konseho_cli.store.retention import Retention, at_work, to_go
from konseho_cli.store.standing import Standing, standing

ENDS = ("ok", "degraded", "failed", "limit", "interrupted")
OPEN = ("unfinished", "running", "cut-off")


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it was kept, and what it came to."""

    stored: StoredRun
    outcome: RunOutcome
    state: Standing

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of the targets that held for it; none where its council is none any more."""
        began = decode(self.stored.row.began.document, self.outcome.run)
        try:
            stated = began.loaded().spec.targets
        except UsageError:
            return ()
        return verdicts(self.outcome, said_over(stated, began.options.targets))

    @property
    def exit_status(self) -> int:
        """What its process ended with; as of an interrupted one where it has no end."""
        ended = self.stored.row.ended
        return self.outcome.exit_code if ended is None else ended.exit_status


def recall(names: Sequence[str], file: Path | None) -> list[Recalled]:
    """Runs by their names, with their spans. Raises UsageError, StoreFailed."""

    async def read(reader: RunReader) -> list[Recalled]:
        found = []
        for name in names:
            stored = await find_stored(reader, name)
            spans, _ = await reader.trace(stored.row.began.run)
            state = standing(stored.row)
            outcome = _as_it_stands(recalled(stored, spans), state)
            found.append(Recalled(stored=stored, outcome=outcome, state=state))
        return found

    return with_store(file, read)


def _as_it_stands(outcome: RunOutcome, state: Standing) -> RunOutcome:
    """What has no end is told as cut off, which one that still runs is not."""
    if state not in ("running", "unfinished"):
        return outcome
    steps = tuple(
        structs.replace(step, reasons=()) if step.start is None else step for step in outcome.steps
    )
    error = "it is still running" if state == "running" else "nobody here knows whether it runs"
    hint = None if state == "running" else outcome.hint
    return structs.replace(outcome, steps=steps, error=error, hint=hint)


def list_runs(
    file: Path | None, wanted: Wanted, states: Sequence[str]
) -> list[tuple[RunRow, Standing]]:
    """The newest first, with how it stands with each. `states`: empty is all."""
    ends = tuple(state for state in states if state in ENDS)
    is_open = any(state in OPEN for state in states)
    asked = structs.replace(
        wanted,
        status=(*ends, *(("unfinished",) if is_open else ())),
        limit=None if is_open else wanted.limit,  # which of them run is found out here
    )

    found = with_store(file, lambda reader: reader.runs(asked))
    rows = [(row, standing(row)) for row in found]
    if is_open:
        rows = [(row, state) for row, state in rows if _is_meant(state, states)]
    return rows[: wanted.limit]


def _is_meant(state: Standing, states: Sequence[str]) -> bool:
    return state in states or ("unfinished" in states and state in OPEN)


def runs_to_remove(
    file: Path | None, names: Sequence[str], retention: Retention, now: float
) -> list[RunRow]:
    """Those of the names, or without names those that a rule does not keep.

    Raises UsageError where one of the names is still at work.
    """

    async def read(reader: RunReader) -> list[RunRow]:
        if not names:
            return list(to_go(await reader.runs(Wanted()), retention, now))
        return [await find_run(reader, name) for name in names]

    rows = {row.began.run: row for row in with_store(file, read)}
    busy = [run for run, row in rows.items() if at_work(row, now)]
    if busy:
        raise UsageError(
            f"run {busy[0]} is still at work", hint="end it first, or wait for its end"
        )
    return list(rows.values())


def remove_runs(file: Path | None, rows: Sequence[RunRow]) -> int:
    """How many there were."""
    return with_store(file, lambda store: store.remove([row.began.run for row in rows]))


def read_states(text: str | None) -> tuple[str, ...]:
    """`ok,failed`, each a word that is known. Raises UsageError."""
    words = [word.strip().lower().replace(" ", "-") for word in (text or "").split(",")]
    words = [word for word in words if word]
    for word in words:
        if word not in (*ENDS, *OPEN):
            from konseho_cli.core.suggest import did_you_mean

            hint = did_you_mean(word, (*ENDS, *OPEN)) or f"known: {', '.join((*ENDS, *OPEN))}"
            raise UsageError(f"--status {word}: there is no such status", hint=hint)
    return tuple(words)


def read_moment(option: str, text: str | None, now: float) -> float | None:
    """Seconds since the epoch, from `7d` (that long ago) or a date. Raises UsageError."""
    if text is None:
        return None
    from datetime import datetime

    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return now - float(Duration(text))
    except ValueError:
        what = "expected a duration such as 12h or 7d, or a date such as 2026-11-21"
        raise UsageError(f"{option} {text}: {what}") from None
