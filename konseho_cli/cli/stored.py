"""What commands read from the store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from konseho_cli.engine.storing import Storing, open_store

if TYPE_CHECKING:  # a run that replays nothing loads none of it
    from konseho_cli.models.cassette_file import Cassette
    from konseho_cli.store.base import Store, StoredRun

T = TypeVar("T")


def with_store(file: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` makes of the store, which is closed after it. Raises StoreFailed."""

    async def main() -> T:
        async with aclosing(open_store(Storing(file=file), os.environ)) as store:
            return await work(store)

    return asyncio.run(main())


def stored_run(name: str, file: Path | None) -> StoredRun:
    """A run by its id, the beginning of it, or `last`. Raises UsageError, StoreFailed."""
    from konseho_cli.store.find import find_stored

    return with_store(file, lambda store: find_stored(store, name))


def find_replay(name: str | None, store: Path | None) -> str | Cassette | None:
    """What `--replay` names: a file, or a run that is kept. Raises UsageError, StoreFailed."""
    if name is None or is_path(name):
        return name
    from konseho_cli.engine.history import cassette_of

    return cassette_of(stored_run(name, store))


def is_path(name: str) -> bool:
    """Whether a file is meant: one that is there, or what no run is called."""
    try:
        return Path(name).exists() or not name.isalnum()
    except (OSError, ValueError):
        return True
