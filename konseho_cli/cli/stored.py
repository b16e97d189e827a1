"""What commands read from the store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from konseho_cli.core.errors import UsageError
from konseho_cli.engine.storing import Storing, open_store

if TYPE_CHECKING:  # a run that replays nothing loads none of it
    from konseho_cli.models.cassette_file import Cassette
    from konseho_cli.spec.loaded import Loaded
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


def find_replay(
    name: str | None, store: Path | None, loaded: Loaded | None = None
) -> str | Cassette | None:
    """What `--replay` names: a file, or a run that is kept. Raises UsageError, StoreFailed.

    `loaded`: the council that it has to be of.
    """
    if name is None or is_path(name):
        if name is not None and loaded is not None:
            from konseho_cli.models.cassette_file import read_cassette

            check_replay(read_cassette(Path(name)), loaded)
        return name
    from konseho_cli.engine.history import cassette_of

    cassette = cassette_of(stored_run(name, store))
    if loaded is not None:
        check_replay(cassette, loaded)
    return cassette


def check_replay(cassette: Cassette, loaded: Loaded) -> None:
    """Raises UsageError for a run of another council: its answers are to other questions."""
    then, now = cassette.header.council, loaded.spec.name
    if then != now:
        raise UsageError(
            f"{cassette.file} is of {then}, not of {now}",
            hint="name the council that it is of, or another run",
        )


def is_path(name: str) -> bool:
    """Whether a file is meant: one that is there, or what no run is called."""
    try:
        return Path(name).exists() or not name.isalnum()
    except (OSError, ValueError):
        return True
