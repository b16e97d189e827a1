"""How it stands with a run that is kept: its end, or what can be told of one that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from konseho_cli.core.process import is_alive
from konseho_cli.store.base import RunRow

Standing: TypeAlias = Literal[
    "ok", "degraded", "failed", "limit", "interrupted", "running", "cut-off", "unfinished"
]
"""`cut-off`: its process is gone; `unfinished`: it may still be at work, on another host."""
IsAlive: TypeAlias = Callable[[str], bool | None]


def standing(row: RunRow, alive: IsAlive = is_alive) -> Standing:
    """The status of its end, or what became of a run that has none."""
    if row.ended is not None:
        return row.ended.status
    lives = alive(row.began.process)
    if lives is None:
        return "unfinished"
    return "running" if lives else "cut-off"
