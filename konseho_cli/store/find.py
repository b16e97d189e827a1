"""Finds the run that a person means: by its id, the beginning of it, or `last`."""

from __future__ import annotations

from datetime import datetime

from konseho_cli.core.errors import UsageError
from konseho_cli.store.base import RunReader, RunRow, StoredRun, Wanted

LAST = "last"
MOST = 8
"""Candidates that an ambiguous name lists."""


async def find_run(reader: RunReader, name: str) -> RunRow:
    """One run by its id, an unambiguous beginning of it, or `last`, the one that began last.

    Raises UsageError, with the candidates, and StoreFailed.
    """
    wanted = name.strip().lower()
    if wanted == LAST:
        rows = await reader.runs(Wanted(limit=1))
        if not rows:
            raise UsageError("there is no last run: none is kept", hint=_HOW)
        return rows[0]
    if not wanted:
        raise UsageError("which run? There is no name for it", hint=_NAMES)
    rows = await reader.runs(Wanted(prefix=wanted, limit=MOST + 1))
    exact = [row for row in rows if row.began.run == wanted]
    if len(rows) == 1 or exact:
        return (exact or rows)[0]
    if rows:
        raise UsageError(_ambiguous(name, rows), hint="more characters of the id tell them apart")
    known = await reader.runs(Wanted(limit=1))
    raise UsageError(f"no run '{name:.40}' is kept", hint=_NAMES if known else _HOW)


async def find_stored(reader: RunReader, name: str) -> StoredRun:
    """All of the run that `name` means. Raises UsageError, StoreFailed."""
    row = await find_run(reader, name)
    found = await reader.load(row.began.run)
    if found is None:  # removed in the meantime
        raise UsageError(f"there is no run '{name:.40}' any more")
    return found


_HOW = "`konseho run` keeps every run that it makes"
_NAMES = "`konseho runs` lists them; an id, the beginning of one, or `last`"


def _ambiguous(name: str, rows: list[RunRow]) -> str:
    shown = rows[:MOST]
    first = f"{'more than ' if len(rows) > MOST else ''}{len(shown)} runs begin with '{name:.40}'"
    return "\n".join((f"{first}:", *(f"  {_candidate(row)}" for row in shown)))


def _candidate(row: RunRow) -> str:
    began = datetime.fromtimestamp(row.began.started).astimezone()
    about = f"{row.began.council}: {row.began.task}"
    return f"{row.began.run}  {began:%Y-%m-%d %H:%M:%S}  {about:.60}"
