"""What `konseho profile` does with what the command line says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import typer
from msgspec import structs

from konseho_cli.cli import outputs
from konseho_cli.cli.asking import (
    check_stdin,
    read_caching,
    read_models,
    read_preset,
    read_task,
    read_timeout,
)
from konseho_cli.cli.durations import read_seconds
from konseho_cli.cli.passing import PassingLine
from konseho_cli.cli.printing import print_lines, symbols, width
from konseho_cli.cli.sampled import put_samples
from konseho_cli.cli.stored import find_replay, is_path, stored_run
from konseho_cli.cli.streams import mutter, tell
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.source import shown_path
from konseho_cli.core.units import show_duration
from konseho_cli.engine.storing import storing_for
from konseho_cli.profiling.assembling import profiled_of
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.recorders.campaign import Recordings, Wanted, profile
from konseho_cli.profiling.recorders.folder import discard, make_folder, settle
from konseho_cli.profiling.recorders.job import Job
from konseho_cli.profiling.recorders.py_spy import Sampling, sample_process
from konseho_cli.profiling.recorders.recorder import SPEEDSCOPE, Watching
from konseho_cli.profiling.recording import Profiler
from konseho_cli.report.flame_graph import flame_graph
from konseho_cli.report.profile import profile_lines
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council

QUICKSTART = "quickstart"
TASK = "Should a team of four start with a monolith or with services?"
"""Of the quickstart, which has none of its own."""
SHORTEST_S, LONGEST_S = 0.001, 60.0
"""Between two looks at the memory."""
_OF_A_PROCESS = frozenset({
    "pid", "duration", "sample", "rate", "gil", "idle", "subprocesses", "folder", "quiet",
    "speedscope", "json",
})  # fmt: skip
"""What may be said with `--pid`."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The command line, as Typer read it."""

    ctx: typer.Context
    council: str | None
    task: str | None
    task_file: Path | None
    inputs: Sequence[str]
    cpu: bool
    memory: bool
    sample: bool
    everything: bool
    repeats: int
    interval: str | None
    lines: Sequence[str]
    leaks: int
    rate: int | None
    gil: bool
    idle: bool
    subprocesses: bool
    pid: int | None
    duration: str | None
    cost: bool
    folder: Path | None
    model: Sequence[str]
    simulate: bool
    max_concurrency: int | None
    seed: int | None
    timeout: str | None
    strict: bool
    cache: bool | None
    refresh: bool
    allow_exec: bool
    store: Path | None
    no_store: bool
    replay: str | None
    replay_speed: float
    preset: str | None
    quiet: bool
    html: Path | None
    speedscope: Path | None
    perfetto: Path | None
    otel: Path | None
    otel_send: bool
    junit: Path | None
    markdown: bool
    json: bool

    @property
    def stated(self) -> frozenset[str]:
        """The fields that the command line itself states, and not the environment."""
        sources = {name: self.ctx.get_parameter_source(name) for name in self.__struct_fields__}
        return frozenset(
            name for name, source in sources.items() if source and source.name == "COMMANDLINE"
        )

    @property
    def profilers(self) -> tuple[Profiler, ...]:
        """Those that were asked for; spans alone where none was."""
        chosen: tuple[tuple[Profiler, bool], ...] = (
            ("cpu", self.cpu), ("memory", self.memory), ("sample", self.sample),
        )  # fmt: skip
        return tuple(name for name, flag in chosen if flag or self.everything) or ("spans",)

    @property
    def sampling(self) -> Sampling:
        """How py-spy looks."""
        return Sampling(
            rate=self.rate or Sampling().rate, gil=self.gil, idle=self.idle,
            subprocesses=self.subprocesses,
        )  # fmt: skip

    @property
    def idle_options(self) -> tuple[str, str] | None:
        """Options that would change nothing, and what they go with."""
        samples = "sample" in self.profilers or self.pid is not None
        for named, where, used in (
            ({"--rate": self.rate, "--gil": self.gil, "--idle": self.idle,
              "--subprocesses": self.subprocesses}, "--sample, --all or --pid", samples),
            ({"--interval": self.interval}, "--memory or --all", "memory" in self.profilers),
            ({"--duration": self.duration}, "--pid", self.pid is not None),
        ):  # fmt: skip
            given = [option for option, value in named.items() if value]
            if given and not used:
                return ", ".join(given), where
        return None


def profile_council(asked: Asked) -> int:
    """Record, print, and say where the recordings are; the exit status."""
    files = outputs.wanted(structs.asdict(asked))
    watching = Watching(interval_s=_interval(asked.interval), sampling=asked.sampling)
    _check_used(asked)
    wanted = Wanted(
        job=_job(asked), profilers=asked.profilers, repeats=asked.repeats, lines=tuple(asked.lines),
        how=watching, leaks=asked.leaks, costs=asked.cost, folder=asked.folder,
    )  # fmt: skip
    progress = _Progress(quiet=asked.quiet)
    try:
        found = profile(wanted, os.environ, progress)
        with _named(found.folder, asked):
            return _show(found, asked, files, progress)
    finally:
        progress.clear()


@contextmanager
def _named(folder: Path, asked: Asked) -> Iterator[None]:
    """Say at the end where the recordings are, whatever becomes of their report."""
    try:
        yield
    finally:
        if not asked.quiet:
            mutter(f"recorded in {shown_path(folder)}\n")


def _show(
    found: Recordings, asked: Asked, files: Mapping[str, Path | None], progress: _Progress
) -> int:
    progress("what-ifs")
    try:
        profiled = profiled_of(
            found.recordings, costs=found.costs, leak=found.leak, folder=found.folder
        )
    finally:
        progress.clear()
    _draw(found)
    if None not in files.values():
        print_lines(profile_lines(profiled, symbols(), width()))
    outputs.write(profiled, files)
    if asked.otel_send:
        outputs.send(profiled)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(profiled)
    error = profiled.outcome.error
    if not asked.quiet:
        for warning in found.warnings:
            mutter(f"warning: {warning}\n")
    if error is not None:
        tell(KonsehoError(f"the council ended early: {error}", hint=profiled.outcome.hint))
    refused = any(verdict.refuses for verdict in profiled.verdicts)
    return found.exit_status or int(refused and error is None)


def _tell_github(profiled: Profiled) -> None:
    from konseho_cli.cli.github import tell_github
    from konseho_cli.report.profile_markdown import profile_markdown

    file = profiled.recordings[0].run.row.began.file
    tell_github(
        profiled.outcome, profiled.verdicts, os.environ,
        council=Path(file) if file else None, markdown=profile_markdown(profiled),
    )  # fmt: skip


def profile_process(asked: Asked) -> int:
    """Sample a process that runs already; the exit status."""
    assert asked.pid is not None
    if asked.council is not None or asked.profilers not in (("spans",), ("sample",)):
        raise UsageError("--pid samples a process that runs: no council, and no other profiler")
    unfit = asked.stated - _OF_A_PROCESS
    if unfit:
        named = [each.opts[0] for each in asked.ctx.command.params if each.name in unfit]
        raise UsageError(f"--pid samples a process that runs: not with {', '.join(named)}")
    files = outputs.wanted(structs.asdict(asked))
    seconds = max(1.0, read_seconds("--duration", asked.duration or "10s"))
    folder = make_folder(asked.folder, os.environ)
    progress = _Progress(quiet=asked.quiet)
    progress(f"process {asked.pid} for {show_duration(seconds)}")
    try:
        file = folder / f"sample{SPEEDSCOPE}"
        samples = sample_process(asked.pid, seconds, asked.sampling, file)
    except BaseException:
        discard(folder)
        raise
    finally:
        progress.clear()
    folder = settle(folder, f"process-{asked.pid}")
    (folder / "sample.svg").write_text(flame_graph(samples, f"process {asked.pid}"), "utf-8")
    put_samples(samples, asked.pid, folder, files)
    if not asked.quiet:
        mutter(f"recorded in {shown_path(folder)}\n")
    return 0


def _job(asked: Asked) -> Job:
    """Raises UsageError, InvalidCouncil, StoreFailed."""
    check_stdin(asked.task, asked.task_file, asked.inputs)
    replay, run = _replayed(asked)
    recalled = asked.council is None and bool(run)
    if recalled and asked.stated & {"inputs", "preset"}:
        raise UsageError("a run that is replayed has its inputs and its settings: name a COUNCIL")
    file = None if recalled else find_council(asked.council or QUICKSTART).absolute()
    preset = None if recalled else asked.preset  # the environment's is of runs to come
    how = read_preset(preset, file, events=None, stream=False, events_out=None)
    task = read_task(asked.task, asked.task_file)
    inputs = {}
    if file is not None:
        loaded = load_council(file)
        find_replay(asked.replay, asked.store, loaded)
        inputs = read_inputs(loaded.spec, asked.inputs)
        if task is None and not loaded.spec.task and asked.council in (None, QUICKSTART):
            task = TASK
    settings = how.settings
    return Job(
        council=file, task=task, inputs=inputs,
        wishes=read_models(asked.model, simulate=asked.simulate),
        max_concurrency=asked.max_concurrency, seed=asked.seed,
        timeout_s=read_timeout(asked.timeout), strict=asked.strict,
        caching=read_caching(asked.cache, refresh=asked.refresh, size=settings.cache_size),
        storing=storing_for(
            settings, wanted=False if asked.no_store else None, file=asked.store
        ),
        settings=settings, targets=how.targets, replay=replay, replay_run=run,
        speed=asked.replay_speed, name="run", folder=Path(),
    )  # fmt: skip


def _replayed(asked: Asked) -> tuple[Path | None, str]:
    """The cassette or the run that is replayed, if one is. Raises UsageError, StoreFailed."""
    if asked.replay is None:
        return None, ""
    if not is_path(asked.replay):
        return None, stored_run(asked.replay, asked.store).row.began.run
    if asked.council is None:
        raise UsageError(
            f"--replay {asked.replay}: which council? A cassette does not say",
            hint="name it: konseho profile COUNCIL --replay FILE",
        )
    return Path(asked.replay).absolute(), ""


def _check_used(asked: Asked) -> None:
    """Raises UsageError for options that would do nothing."""
    if (found := asked.idle_options) is not None:
        option, where = found
        raise UsageError(f"{option} would change nothing here: of use with {where}")


def _interval(text: str | None) -> float:
    if text is None:
        return Watching().interval_s
    seconds = read_seconds("--interval", text)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(f"--interval {text}: between 1ms and 60s")
    return seconds


def _draw(found: Recordings) -> None:
    """A flame graph beside each recording that has stacks."""
    for each in found.recordings:
        if each.samples is not None:
            file = found.folder / each.samples.file.replace(SPEEDSCOPE, ".svg")
            try:
                file.touch(mode=0o600)
                file.write_text(flame_graph(each.samples, each.outcome.council), encoding="utf-8")
            except OSError as error:  # the report is worth more
                mutter(f"warning: {shown_path(file)} cannot be written: {error.strerror}\n")


class _Progress(PassingLine):
    """What runs, and for how long already."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._what, self._since = "", time.monotonic()

    def __call__(self, what: str) -> None:
        if what != self._what:
            self._what, self._since = what, time.monotonic()
        self.show(f"profiling: {what}  {time.monotonic() - self._since:.0f} s")
