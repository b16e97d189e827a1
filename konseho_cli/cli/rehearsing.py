"""What `konseho whatif` does: find the run, replay it, put the rows together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from konseho_cli.cli.recordings import find_recordings
from konseho_cli.cli.stored import with_store
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.whatif.changes import Changes
from konseho_cli.profiling.whatif.rehearsal import Rehearsal
from konseho_cli.profiling.whatif.sweep import Sweep
from konseho_cli.report.whatif import Told
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council
from konseho_cli.store.base import RunReader, SpanKept, StoredRun
from konseho_cli.store.find import find_stored


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What a cassette does not hold."""

    council: str | None = None
    """None: the one that ships under the cassette's name."""
    task: str | None = None
    inputs: Sequence[str] = ()


def find_rehearsal(name: str, store: Path | None, said: Played) -> Rehearsal:
    """The run that is meant. Raises UsageError, StoreFailed, InvalidCouncil."""
    file = Path(name)
    if _is_folder(file):
        _refuse(said)
        return _recorded(find_recordings(name, store)[0])
    if _is_file(name):
        if _is_cassette(file):
            return Rehearsal(*_play(file, said))
        _refuse(said)
        if file.suffix in (".yaml", ".yml"):
            hint = f"konseho run {name} makes one, and then: konseho whatif last"
            raise UsageError(f"{name} is no run and no recording", hint=hint)
        return _recorded(Recording.load(file))
    _refuse(said)

    async def read(reader: RunReader) -> tuple[StoredRun, list[SpanKept]]:
        stored = await find_stored(reader, name)
        return stored, (await reader.trace(stored.row.began.run))[0]

    return Rehearsal(*with_store(store, read))


def _recorded(recording: Recording) -> Rehearsal:
    return Rehearsal(recording.run, recording.spans)


def _play(file: Path, said: Played) -> tuple[StoredRun, list[SpanKept]]:
    from konseho_cli.models.cassette_file import read_cassette  # only where there is one
    from konseho_cli.profiling.whatif.played import played

    cassette = read_cassette(file)
    try:
        found = find_council(said.council or cassette.header.council)
    except UsageError as error:
        if said.council is not None:
            raise
        what = f"{file} holds no council, and none ships as '{cassette.header.council}'"
        raise UsageError(what, hint="--council FILE says which it was") from error
    loaded = load_council(found)
    return played(cassette, loaded, said.task, read_inputs(loaded.spec, said.inputs))


def _refuse(said: Played) -> None:
    """Raises UsageError."""
    if said != Played():
        raise UsageError("--council, --task and --input go with a cassette: the run knows its own")


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file() or not name.strip().isalnum()
    except (OSError, ValueError):
        return True


def _is_cassette(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(32).startswith(b'{"konseho_cassette"')
    except OSError:
        return False  # whoever reads it says why it cannot


def whole_sum(rehearsal: Rehearsal) -> Told:
    """What holds for all rows."""
    began, ended = rehearsal.run.row.began, rehearsal.run.row.ended
    return Told(
        run=began.run, council=began.council, simulated=began.simulated,
        calls=rehearsal.run.row.calls, recorded_s=rehearsal.recorded_s,
        unchanged=rehearsal.unchanged, status="unfinished" if ended is None else ended.status,
    )  # fmt: skip


def compare(rehearsal: Rehearsal, changes: Changes, *, each: bool) -> Sequence[Prediction]:
    """The changes together, with `each` by themselves before; without any, the best ones.

    Raises UsageError for `each` without a change.
    """
    single = changes.singly()
    if not single:
        if each:
            raise UsageError("--each goes with changes: there is none")
        return rehearsal.best()
    alone = single if each and len(single) > 1 else ()
    return [rehearsal.predict(one) for one in (*alone, changes)]


def sweep_over(
    rehearsal: Rehearsal, changes: Changes, what: str, points: Sequence[tuple[str, Changes]]
) -> Sweep:
    """One thing at many values, each on top of the changes.

    Raises UsageError where a change says something of the same thing: it would be overridden.
    """
    swept = frozenset[str]().union(*(point.touched() for _, point in points))
    for option in sorted(swept & changes.touched()):
        raise UsageError(
            f"{option} and --sweep {what} exclude each other: the sweep has its values"
        )
    return Sweep(
        what=what,
        values=tuple(value for value, _ in points),
        predictions=tuple(rehearsal.predict(changes.also(point)) for _, point in points),
        unchanged=rehearsal.unchanged,
    )
