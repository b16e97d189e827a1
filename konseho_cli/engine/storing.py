"""Whether a run is kept, and where: the store of its calls, steps and spans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from konseho_cli.spec.settings import Settings

if TYPE_CHECKING:  # only a run that is kept loads it
    from konseho_cli.store.base import Store


class Storing(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about keeping the run."""

    enabled: bool = False
    file: Path | None = None
    """The database; None: the one in `.konseho/`."""
    sync: Literal["normal", "full"] = "normal"
    """`full` outlives a power failure too; `normal` a kill."""
    events: bool = False
    """Whether events are kept beside calls, steps and spans."""
    keep_s: float | None = None
    """Seconds that a run is kept; what is older goes when this one ends. None: for ever."""


def storing_for(
    settings: Settings, *, wanted: bool | None, file: Path | None, usual: bool = True
) -> Storing:
    """What the settings make of a wish; events are kept where somebody says which ones.

    `wanted` None: nobody says, so the settings do, and else it is as `usual`; who names a file wants it.
    """
    store = settings.store
    if wanted is None:
        wanted = file is not None or (usual if store.enabled is None else store.enabled)
    return Storing(
        enabled=wanted,
        file=file,
        sync=store.sync or "normal",
        events=settings.events is not None and settings.level != "none",
        keep_s=store.keep,
    )


def open_store(storing: Storing, env: Mapping[str, str]) -> Store:
    """Where runs are kept. Nothing is opened yet."""
    from konseho_cli.store.location import locate
    from konseho_cli.store.sqlite_store import SqliteStore

    return SqliteStore(locate(env, storing.file), sync=storing.sync)
