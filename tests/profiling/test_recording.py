"""Recordings come back as they were saved."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.options import RunOptions
from konseho_cli.profiling.memory_profile import MemoryPoint, MemoryProfile
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.bus import Listener, Subscription


def recorded(*listeners: Listener) -> Recording:
    store, loaded = MemoryStore(), load_council(find_council("quickstart"))
    session = Session(loaded, RunOptions(task="Which?"), env={}, store=lambda: store)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome = runner.run(session.run([Subscription(listener) for listener in listeners]))
        stored = runner.run(store.load(outcome.run))
        spans, _ = runner.run(store.trace(outcome.run))
    assert stored is not None
    memory = MemoryProfile(
        points=(MemoryPoint(at=0, resident=2**20),), interval_s=0.1, before=2**20, peak=2**20,
        after=2**20, agents=3, steps=(),
    )  # fmt: skip
    return Recording(
        version="1", made=1e9, machine=Machine(python="3.11.7", platform="linux", cpus=2),
        profiler="memory", replayed=None, cpu_s=0.1, run=stored, spans=tuple(spans), memory=memory,
    )  # fmt: skip


def test_a_recording_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    recording, file = recorded(), tmp_path / "a" / "b.recording"
    recording.save(file)
    again = Recording.load(file)
    assert again == recording
    assert again.outcome.answer == recording.outcome.answer
    assert critical_path(again.outcome.spans) == critical_path(recording.outcome.spans)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x81\xa1a\x01"])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.recording"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not a recording"):
        Recording.load(file)


def test_how_long_listeners_took_and_how_long_it_took_to_be_made_are_kept() -> None:
    def viewer(batch: object) -> None:
        """Looks on."""

    outcome = recorded(viewer).outcome
    assert outcome.creation_s is not None
    assert outcome.creation_s > 0
    assert [each.name.rpartition(".")[2] for each in outcome.listeners] == ["viewer"]
    assert outcome.listeners[0].events > 10
    assert outcome.listeners[0].seconds >= outcome.listeners[0].worst_s > 0
