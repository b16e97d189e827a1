"""Runs in virtual time that are kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.load import check_document
from konseho_cli.store.base import SpanKept, StoredRun
from konseho_cli.store.memory_store import MemoryStore


class ReallyRun(NamedTuple):
    """A run, and what is kept of it."""

    outcome: RunOutcome
    stored: StoredRun
    spans: list[SpanKept]


def _really_run(document: dict[str, Any], **options: Any) -> ReallyRun:
    store = MemoryStore()
    wanted = RunOptions(**options)
    session = Session(check_document(document), wanted, {}, store=lambda: store)
    outcome = run_virtual(lambda loop: session.run())

    async def read() -> ReallyRun:
        stored = await store.load(outcome.run)
        assert stored is not None
        return ReallyRun(outcome, stored, (await store.trace(outcome.run))[0])

    return asyncio.run(read())


@pytest.fixture
def really_run() -> Callable[..., ReallyRun]:
    """Runs a document, with options as of a session."""
    return _really_run
