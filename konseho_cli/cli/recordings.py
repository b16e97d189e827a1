"""The recordings that a name on the command line means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from konseho_cli.cli.stored import with_store
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.store.base import RunReader
from konseho_cli.store.find import find_stored

SUFFIX = ".recording"
UNKNOWN = Machine(python="", platform="", cpus=0)
"""A run that is kept does not say where it ran."""


def find_recordings(name: str, store: Path | None) -> tuple[Recording, ...]:
    """Of a file, of a folder, or of a run that is kept. Raises UsageError, StoreFailed.

    In a folder the run that was not a replay comes first, then the older one.
    """
    place = Path(name)
    if _is(place.is_dir):
        found = [Recording.load(file) for file in sorted(place.glob(f"*{SUFFIX}"))]
        if not found:
            raise UsageError(f"{name} holds no {SUFFIX} files")
        return tuple(sorted(found, key=lambda each: (each.replayed is not None, each.made)))
    if name.endswith(SUFFIX) or _is(place.is_file):
        return (Recording.load(place),)
    return (kept_recording(name, store),)


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except (OSError, ValueError):  # no name that a file could have
        return False


def kept_recording(name: str, store: Path | None) -> Recording:
    """A run that is kept, as a recording of its spans. Raises UsageError, StoreFailed."""

    async def read(reader: RunReader) -> Recording:
        stored = await find_stored(reader, name)
        spans, _ = await reader.trace(stored.row.began.run)
        began = stored.row.began
        return Recording(
            version=began.version, made=began.started, machine=UNKNOWN, profiler="spans",
            replayed=None, cpu_s=0.0, run=stored, spans=tuple(spans),
        )  # fmt: skip

    return with_store(store, read)
