"""One profile: the recordings of one council, and all that follows from them. Reports show it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.memory_profile import Leak
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.recording import Profiler, Recording
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.profiling.verdicts import Verdict


class ProfilerCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a profiler does to a run: replays at once, with and without it, turn about."""

    profiler: Profiler
    cpu: float
    """Ratio of CPU times, median of pairs."""
    wall: float
    """Ratio of wall times; of replays that wait for nothing, so a paid run feels less of it."""
    pairs: int


class Profiled(msgspec.Struct, frozen=True, kw_only=True):
    """What every report of a profile is made of. Times count from the start of the run."""

    recordings: tuple[Recording, ...]
    """At least one; the first is the run whose time is analysed. Each profiler that was asked for
    has one, and has it as often as the run was repeated."""
    analysis: Analysis
    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    """The one that would save most first."""
    predictions: tuple[Prediction, ...] = ()
    """The best what-ifs, the one that would save most first."""
    costs: tuple[ProfilerCost, ...] = ()
    leak: Leak | None = None
    folder: Path | None = None
    """Where the recordings are; None: they are not kept."""

    @property
    def outcome(self) -> RunOutcome:
        """The run whose time is analysed."""
        return self.recordings[0].outcome

    def of(self, profiler: Profiler) -> Recording | None:
        """The first recording of a profiler, if there is one."""
        return next((each for each in self.recordings if each.profiler == profiler), None)
