"""Which runs are to go, and which stay: decided here, done elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from konseho_cli.core.process import is_alive
from konseho_cli.store.base import RunReader, RunRow, Wanted
from konseho_cli.store.standing import IsAlive, standing

DOUBT_S = 86_400.0
"""Seconds for which an unfinished run of another host is taken to be at work."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept: whatever either of them keeps. Without any, nothing is."""

    keep_s: float | None = None
    """Runs that began less than so many seconds ago."""
    keep_last: int | None = None
    """So many runs, the newest."""


def to_go(
    rows: Sequence[RunRow], retention: Retention, now: float, alive: IsAlive = is_alive
) -> tuple[RunRow, ...]:
    """Of all runs that are kept, those that go, the newest first; one that runs never does.

    `now`: seconds since the epoch.
    """
    newest = sorted(rows, key=lambda row: (row.began.started, row.began.run), reverse=True)
    return tuple(
        row
        for place, row in enumerate(newest)
        if not _stays(row, place, retention, now) and not at_work(row, now, alive)
    )


async def prune(reader: RunReader, retention: Retention, now: float, *, but: str) -> int:
    """Remove the runs that go, except for one; how many they were. Raises StoreFailed."""
    found = to_go(await reader.runs(Wanted()), retention, now)
    rows = [row for row in found if row.began.run != but]
    return await reader.remove([row.began.run for row in rows]) if rows else 0


def at_work(row: RunRow, now: float, alive: IsAlive = is_alive) -> bool:
    """Whether it runs, or may well: what is not known of another host's is doubted for a day."""
    state = standing(row, alive)
    return state == "running" or (state == "unfinished" and now - row.began.started < DOUBT_S)


def _stays(row: RunRow, place: int, retention: Retention, now: float) -> bool:
    if retention.keep_last is not None and place < retention.keep_last:
        return True
    return retention.keep_s is not None and now - row.began.started < retention.keep_s
