"""A cassette as a run that is kept: it is played once, in virtual time, into a store in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.session import Session
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import SpanKept, StoredRun
from konseho_cli.store.memory_store import MemoryStore


class _Kept(Session):
    """A replay that is kept, though it is a copy: nothing else holds its spans."""

    @property
    def is_kept(self) -> bool:
        """Always."""
        return True


def played(
    cassette: Cassette, loaded: Loaded, task: str | None, inputs: Mapping[str, Any]
) -> tuple[StoredRun, list[SpanKept]]:
    """The run that it holds. Raises UsageError where it is of another council, task or input."""
    store = MemoryStore()
    options = RunOptions(task=task, inputs=inputs, taping=Taping(replay=cassette, speed=0))
    session = _Kept(loaded, options, store=lambda: store)

    async def play(loop: VirtualLoop) -> tuple[StoredRun, list[SpanKept]]:
        outcome = await session.run()
        if outcome.exit_code == UsageError.exit_code:
            raise UsageError(outcome.error or "the cassette does not fit", hint=outcome.hint)
        stored = await store.load(outcome.run)
        if stored is None:  # what ended it is told, not that nothing is there
            raise UsageError(outcome.error or "the cassette does not fit", hint=outcome.hint)
        return _named(stored, cassette.header.run), (await store.trace(outcome.run))[0]

    return run_virtual(play)


def _named(stored: StoredRun, run: str) -> StoredRun:
    """By the id of the run that was recorded."""
    row = stored.row
    return structs.replace(
        stored, row=structs.replace(row, began=structs.replace(row.began, run=run))
    )
