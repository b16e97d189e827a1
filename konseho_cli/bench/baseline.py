"""Baselines: figures that are kept under a name, so that later ones can be held against them."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec

from konseho_cli.bench.results import Result, Unit
from konseho_cli.bench.statistics import summarize
from konseho_cli.core.errors import UsageError
from konseho_cli.core.packing import pack, unpack
from konseho_cli.profiling.recording import Machine
from konseho_cli.store.base import Note, Notes
from konseho_cli.version import __version__

FORMAT = 1
"""Of what `konseho bench --json` writes."""
OURSELVES = "konseho"
"""The subject of the stated targets."""
_MOST_KEPT = 200
"""Of one name: the older ones go."""
_MOST_SAMPLES = 200


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, as it was."""

    name: str
    unit: Unit
    exact: bool = False
    samples: tuple[float, ...] = ()

    @property
    def median(self) -> float | None:
        """None: it was unknown."""
        return summarize(self.samples).median if self.samples else None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one measurement."""

    subject: str
    """The council's name, or `konseho`."""
    council: str
    """A hash of the council and of what it was given; empty for the stated targets."""
    made: float
    """Seconds since the epoch."""
    version: str = __version__
    machine: str
    """Python, system and number of CPUs."""
    figures: tuple[Figure, ...]

    def samples(self, name: str) -> tuple[float, ...]:
        """Of one figure; empty: there are none."""
        return next((each.samples for each in self.figures if each.name == name), ())


class _Series(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept under one name: the oldest first."""

    baselines: tuple[Baseline, ...]


def machine() -> str:
    """What makes figures of two times comparable at all; with the kernel, unlike in a recording."""
    here = Machine.here()
    return f"Python {here.python}, {platform.platform()}, {here.cpus} CPUs"


def baseline_of(results: Sequence[Result], *, subject: str, council: str, made: float) -> Baseline:
    """What is worth keeping of results."""
    return Baseline(
        subject=subject, council=council, made=made, machine=machine(),
        figures=tuple(
            Figure(
                name=each.name, unit=each.unit, exact=each.exact,
                samples=each.samples[-_MOST_SAMPLES:],
            )
            for each in results
        ),
    )  # fmt: skip


async def keep(notes: Notes, name: str, baseline: Baseline) -> int:
    """Keep it as the newest of its name; how many there are now. Raises StoreFailed."""
    series = (*await _series(notes, baseline.subject, name), baseline)[-_MOST_KEPT:]
    body = pack(msgspec.to_builtins(_Series(baselines=series)))
    key = _key(baseline.subject, name)
    await notes.note(Note(kind="baseline", name=key, made=baseline.made, body=body))
    return len(series)


async def recall(notes: Notes, subject: str, name: str) -> Baseline | None:
    """The newest of a name; None: there is none. Raises StoreFailed."""
    series = await _series(notes, subject, name)
    return series[-1] if series and series[-1].subject == subject else None


async def history(notes: Notes, subject: str) -> list[tuple[str, Baseline]]:
    """Every baseline of a subject with its name, the oldest first. Raises StoreFailed."""
    found = [
        (note.name.rpartition("/")[2], baseline)
        for note in await notes.notes("baseline")
        for baseline in _read(note)
        if baseline.subject == subject  # a name may begin as another one does
    ]
    return sorted(found, key=lambda each: each[1].made)


async def _series(notes: Notes, subject: str, name: str) -> tuple[Baseline, ...]:
    key = _key(subject, name)
    for note in await notes.notes("baseline"):
        if note.name == key:
            return _read(note)
    return ()


def _key(subject: str, name: str) -> str:
    return f"{subject}/{name}"


def _read(note: Note) -> tuple[Baseline, ...]:
    try:
        return msgspec.convert(unpack(note.body), _Series).baselines
    except (ValueError, msgspec.ValidationError):
        return ()  # of a later version: it is no use to this one


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    unit: Unit
    exact: bool = False
    samples: tuple[float, ...] = ()


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `konseho bench --json` writes, as far as it matters here."""

    version: int
    konseho: str
    subject: str
    council: str
    made: float
    machine: str
    rows: tuple[_Row, ...]


def _check(report: _Report) -> None:
    if report.version != FORMAT:
        raise ValueError(f"its format is {report.version}, and this Konseho reads {FORMAT}")
    for row in report.rows:
        least = min(row.samples, default=1.0)
        if least < 0 or (least == 0 and not row.exact) or max(row.samples, default=0) == math.inf:
            raise ValueError(f"{row.name} has samples that nobody can have measured")


def read_report(file: Path) -> Baseline:
    """A baseline from what `konseho bench --json` wrote. Raises UsageError."""
    try:
        report = msgspec.json.decode(file.read_bytes(), type=_Report)
        _check(report)
    except (OSError, ValueError) as error:  # a DecodeError is a ValueError
        raise UsageError(f"{file} is nothing that `konseho bench --json` wrote: {error}") from error
    return Baseline(
        subject=report.subject, council=report.council, made=report.made, version=report.konseho,
        machine=report.machine,
        figures=tuple(
            Figure(name=row.name, unit=row.unit, exact=row.exact, samples=row.samples)
            for row in report.rows
        ),
    )  # fmt: skip
