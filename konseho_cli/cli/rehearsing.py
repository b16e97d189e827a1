"""What `konseho whatif` does: find the run, replay it, put the rows together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from konseho_cli.cli.stored import with_store
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.changes import Changes
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.sweep import Sweep
from konseho_cli.profiling.whatif import Rehearsal
from konseho_cli.report.whatif import Told
from konseho_cli.store.base import RunReader, SpanKept, StoredRun
from konseho_cli.store.find import find_stored


def find_rehearsal(name: str, store: Path | None) -> Rehearsal:
    """The run that is meant. Raises UsageError, StoreFailed."""
    if _is_file(name):
        recording = Recording.load(_no_cassette(Path(name)))
        return Rehearsal(recording.run, recording.spans)

    async def read(reader: RunReader) -> tuple[StoredRun, list[SpanKept]]:
        stored = await find_stored(reader, name)
        return stored, (await reader.trace(stored.row.began.run))[0]

    return Rehearsal(*with_store(store, read))


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file() or not name.strip().isalnum()
    except (OSError, ValueError):
        return True


def _no_cassette(file: Path) -> Path:
    """Raises UsageError where it is one."""
    try:
        with file.open("rb") as stream:
            begins = stream.read(32)
    except OSError:
        return file  # whoever reads it says why it cannot
    if begins.startswith(b'{"konseho_cassette"'):
        raise UsageError(
            f"{file} is a cassette, which holds no council: a what-if takes a run that is kept",
            hint="`konseho runs` lists them, and `last` is the latest",
        )
    return file


def whole_sum(rehearsal: Rehearsal) -> Told:
    """What holds for all rows."""
    began = rehearsal.run.row.began
    return Told(
        run=began.run, council=began.council, simulated=began.simulated,
        calls=len(rehearsal.calls), recorded_s=rehearsal.recorded_s,
        unchanged=rehearsal.unchanged,
    )  # fmt: skip


def compare(rehearsal: Rehearsal, changes: Changes, *, each: bool) -> Sequence[Prediction]:
    """The changes together, with `each` by themselves before; without any, the best ones."""
    single = changes.singly()
    if not single:
        return rehearsal.best()
    alone = single if each and len(single) > 1 else ()
    return [rehearsal.predict(one) for one in (*alone, changes)]


def sweep_over(
    rehearsal: Rehearsal, changes: Changes, what: str, points: Sequence[tuple[str, Changes]]
) -> Sweep:
    """One thing at many values, each on top of the changes."""
    return Sweep(
        what=what,
        values=tuple(value for value, _ in points),
        predictions=tuple(rehearsal.predict(changes.also(point)) for _, point in points),
    )
