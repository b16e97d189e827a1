"""A profile from end to end: one run that is asked for, its replays under the other profilers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError, NotMeasured, UsageError
from konseho_cli.profiling.memory_profile import Leak
from konseho_cli.profiling.profiled import ProfilerCost
from konseho_cli.profiling.recorders import leaks
from konseho_cli.profiling.recorders.costs import measure_costs
from konseho_cli.profiling.recorders.folder import discard, make_folder, settle
from konseho_cli.profiling.recorders.job import Job, LineKind
from konseho_cli.profiling.recorders.process import Interruption, clean_up, run_child
from konseho_cli.profiling.recorders.recorder import Recorded, Watching, record, record_lines
from konseho_cli.profiling.recorders.rescuing import CASSETTE, rescued, way_on
from konseho_cli.profiling.recording import Profiler, Recording

Tell = Callable[[str], None]
"""Is told what runs now, again and again while it does."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be profiled, and how."""

    job: Job
    """The run; its name, its folder, its profiler and its cassette are chosen here."""
    profilers: tuple[Profiler, ...] = ("spans",)
    """Each runs on its own, in this order; the first one asks models, unless the job replays."""
    repeats: int = 1
    """Runs under each of them."""
    how: Watching = Watching()
    lines: tuple[str, ...] = ()
    """Functions to look at line by line, for each of `cpu` and `memory` that is wanted."""
    leaks: int = 0
    """Runs in one process whose memory is compared; 0: none."""
    costs: bool = True
    """Whether what the profilers cost is measured."""
    folder: Path | None = None
    """Where the recordings go; None: under `.konseho/profiles/`."""


class Recordings(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded; `Profiled` is made of it."""

    recordings: tuple[Recording, ...]
    """At least one; the first is the run that was asked for."""
    costs: tuple[ProfilerCost, ...]
    leak: Leak | None
    folder: Path
    exit_status: int
    """That of the first run, or of the signal that ended one."""
    warnings: tuple[str, ...] = ()


def profile(wanted: Wanted, env: Mapping[str, str], tell: Tell = lambda text: None) -> Recordings:
    """Run all of it, in processes of their own.

    Raises UsageError before anything is asked, NotMeasured where the first profiler cannot look,
    KonsehoError where the first process died: answers that it had by then stay in the folder.
    """
    wanted = structs.replace(wanted, lines=_check(wanted))
    with Interruption().heeded() as interruption:
        campaign = _Campaign(wanted, make_folder(wanted.folder, env), interruption, tell)
        try:
            return campaign.run()
        except KonsehoError as error:
            kept = rescued(campaign.folder)
            if kept is not None:
                campaign.folder = kept
                error.hint = "\n  ".join(filter(None, (error.hint, way_on(kept, wanted.job))))
            raise
        finally:
            campaign.leave()


def _check(wanted: Wanted) -> tuple[str, ...]:
    """The functions of `--lines`, by names that every process knows. Raises UsageError."""
    kinds = [each for each in wanted.profilers if each in ("cpu", "memory")]
    if wanted.lines:
        from konseho_cli.profiling.recorders.lines import check_installed

        if not kinds:
            raise UsageError("--lines looks at CPU time or memory: say --cpu or --memory")
        for kind in kinds:
            check_installed(kind)
    if wanted.leaks and wanted.leaks < leaks.FEWEST:
        raise UsageError(f"--leaks {wanted.leaks} are too few runs: at least {leaks.FEWEST}")
    if not wanted.lines:
        return ()
    from konseho_cli.profiling.recorders.functions import canonical

    return tuple(canonical(name) for name in wanted.lines)


class _Next(NamedTuple):
    """One run to come."""

    profiler: Profiler
    name: str
    what: str


class _Campaign:
    """The runs of one profile, in turn."""

    def __init__(
        self, wanted: Wanted, folder: Path, interruption: Interruption, tell: Tell
    ) -> None:
        self.folder = folder
        self.found: list[Recorded] = []
        self._wanted = wanted
        self._interruption = interruption
        self._tell = tell
        self._warnings: list[str] = []
        self._unable: set[Profiler] = set()
        """Profilers that cannot look here, or whose process died."""
        self._lost = 0
        """Exit status of what was lost first; 0: nothing was."""

    def run(self) -> Recordings:
        """All of them, unless somebody interrupts."""
        for each in self._plan():
            self._try(each)
            if self._is_over:
                break
        wanted = self._wanted
        recordings = [each.recording for each in self.found]
        leak: Leak | None = None
        costs: tuple[ProfilerCost, ...] = ()
        if wanted.lines and not self._is_over:
            self._add_lines(recordings)
        if wanted.leaks and not self._is_over:
            with self._losing("the memory after each run"):
                leak = self._leak()
        if wanted.costs and not self._is_over:
            with self._losing("what the profilers cost"):
                costs = self._costs()
        status = self._interruption.exit_status
        return Recordings(
            recordings=tuple(recordings), costs=costs, leak=leak, folder=self.folder,
            exit_status=self._exit_status if status is None else status,
            warnings=tuple(self._warnings),
        )  # fmt: skip

    def leave(self) -> None:
        """Keep the folder only if something is in it that somebody may want."""
        if not any(self.folder.glob("*.recording")) and rescued(self.folder) is None:
            discard(self.folder)

    @property
    def _is_over(self) -> bool:
        return self._interruption.stopped_by is not None

    def _plan(self) -> Iterator[_Next]:
        for number in range(1, self._wanted.repeats + 1):
            for profiler in self._wanted.profilers:
                often = f" {number} of {self._wanted.repeats}" if self._wanted.repeats > 1 else ""
                name = profiler if number == 1 else f"{profiler}-{number}"
                yield _Next(profiler, name, f"{_PROFILERS[profiler]}{often}")

    @property
    def _exit_status(self) -> int:
        return self.found[0].ended.exit_status or self._lost

    def _try(self, each: _Next) -> None:
        """Record it; what one profiler cannot do is no reason to lose what others did."""
        if not self.found:
            self._record(each)
        elif each.profiler not in self._unable:
            self._unable.add(each.profiler)
            with self._losing(each.what):
                self._record(each)
                self._unable.remove(each.profiler)

    @contextmanager
    def _losing(self, what: str) -> Iterator[None]:
        """Lose this alone where it cannot be had: what was recorded before is worth a report."""
        try:
            yield
        except (KonsehoError, OSError) as error:
            unable = isinstance(error, NotMeasured)
            self._lost = self._lost or (NotMeasured if unable else KonsehoError).exit_code
            told = str(error) if unable else f"{what} is missing: {error}"
            self._warnings.append(". ".join(filter(None, (told, getattr(error, "hint", None)))))

    def _record(self, each: _Next) -> None:
        first = not self.found
        job = structs.replace(
            self._wanted.job if first else self._replay(), name=each.name, folder=self.folder,
            profiler=each.profiler, started=time.time(),
            record=self.folder / CASSETTE if first and not self._wanted.job.replays else None,
        )  # fmt: skip
        found = record(job, self._wanted.how, self._interruption, self._ticking(each.what))
        self.found.append(found)
        if first:
            self.folder = settle(self.folder, found.recording.run.row.began.run)
        elif found.ended.exit_status != self.found[0].ended.exit_status and not self._is_over:
            error = found.recording.outcome.error or "it ended otherwise"
            self._warnings.append(f"the replay under {each.what} is not the same run: {error}")

    def _replay(self) -> Job:
        """The job of a run that asks nobody: the one that was asked for, from its cassette."""
        job = self._wanted.job
        if job.replays:
            return job
        return structs.replace(job, replay=self.folder / CASSETTE, record=None)

    def _ticking(self, what: str) -> Callable[[], None]:
        self._tell(what)
        return lambda: self._tell(what)

    def _at_once(self, name: str) -> Job:
        return structs.replace(
            self._replay(), name=name, folder=self.folder, speed=0.0, saves=False, profiler="spans",
            started=time.time(),
        )  # fmt: skip

    def _leak(self) -> Leak | None:
        runs = self._wanted.leaks
        job = structs.replace(self._at_once("leaks"), repeats=runs, weighs=True)
        try:
            tick = self._ticking(f"{runs} runs in one process")
            ended = run_child(job, self._interruption, tick=tick)
        finally:
            clean_up(job)
        if len(ended.after) < leaks.FEWEST:
            return None
        return leaks.leak(ended.after)

    def _add_lines(self, recordings: list[Recording]) -> None:
        """Each kind of line in a run of its own, in the first recording of its profiler."""
        for kind in ("cpu", "memory"):
            place = next((n for n, each in enumerate(recordings) if each.profiler == kind), None)
            if place is None or self._is_over:
                continue
            with self._losing(f"{_PROFILERS[kind]} line by line"):
                seen = self._lines(kind)
                if not seen:
                    self._warnings.append(f"--lines: none of {', '.join(self._wanted.lines)} ran")
                recordings[place] = _with(recordings[place], seen)
                recordings[place].save(self.folder / f"{kind}.recording")

    def _lines(self, kind: LineKind) -> tuple[msgspec.Struct, ...]:
        job = structs.replace(
            self._at_once(f"{kind}-lines"), line_kind=kind, lines=self._wanted.lines
        )
        return record_lines(job, self._interruption, self._ticking(f"{kind} line by line"))

    def _costs(self) -> tuple[ProfilerCost, ...]:
        named = self._wanted.profilers
        watched = [each for each in named if each != "spans" and each not in self._unable]
        if not watched:
            return ()
        tick = self._ticking("what the profilers cost")
        found = measure_costs(
            self._at_once("cost"), watched, self._wanted.how, self._interruption, tick
        )
        if len(found) < len(watched) and not self._is_over:
            missing = [each for each in watched if each not in [cost.profiler for cost in found]]
            self._warnings.append(f"not measured in the time: what {', '.join(missing)} cost")
        return found


def _with(recording: Recording, lines: tuple[msgspec.Struct, ...]) -> Recording:
    if recording.cpu is not None:
        return structs.replace(recording, cpu=structs.replace(recording.cpu, lines=lines))
    assert recording.memory is not None, "line by line is of one of them"
    return structs.replace(recording, memory=structs.replace(recording.memory, lines=lines))


_PROFILERS: Mapping[Profiler, str] = {
    "spans": "the run", "cpu": "cProfile", "memory": "memory_profiler", "sample": "py-spy",
}  # fmt: skip
