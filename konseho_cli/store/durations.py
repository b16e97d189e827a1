"""The table `durations`: how long programs took when they ran last. Nothing here awaits."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from konseho_cli.store.database import Database
from konseho_cli.store.location import make_room

MOST = 10_000


def read_durations(file: Path) -> dict[str, float]:
    """Seconds by command; none where there is no database yet. Raises StoreFailed."""
    if not file.exists():
        return {}
    with closing(Database(file)) as database:
        return dict(database.rows("SELECT command, seconds FROM durations"))


def keep_durations(file: Path, durations: Mapping[str, float], wall: float) -> None:
    """Write what is new; of too many the oldest go. Raises StoreFailed."""
    make_room(file)
    with closing(Database(file)) as database, database.transaction():
        for command, seconds in durations.items():
            database.change(
                "INSERT OR REPLACE INTO durations VALUES (?, ?, ?)", (command, seconds, wall)
            )
        database.change(
            "DELETE FROM durations WHERE command NOT IN "
            "(SELECT command FROM durations ORDER BY used DESC LIMIT ?)",
            (MOST,),
        )
