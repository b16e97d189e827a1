"""`python -m konseho_cli.profiling.recorders.child JOB`: runs a council as `konseho run` would, and records it.

What it comes to is written to files, its exit status too: a profiler that started us has its own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError, StoreFailed, UsageError
from konseho_cli.core.memory import give_back
from konseho_cli.core.signals import heed
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing, open_store
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.recorders.job import Ended, Job
from konseho_cli.profiling.recording import Machine, Recording
from konseho_cli.session import Session
from konseho_cli.spec.load import load_council
from konseho_cli.store.base import SpanKept, Store, StoredRun
from konseho_cli.store.memory_store import MemoryStore
from konseho_cli.telemetry.bus import Subscription
from konseho_cli.telemetry.events import Event
from konseho_cli.version import __version__

if TYPE_CHECKING:  # only who profiles the CPU loads cProfile
    from konseho_cli.profiling.recorders.cpu import CpuWatch


class _Ran(msgspec.Struct, kw_only=True):
    """What was measured of one run."""

    outcome: RunOutcome
    began: float
    ended: float
    cpu_s: float
    wall_s: float


class Child:
    """One job, from the council's file to the recording."""

    def __init__(self, job: Job) -> None:
        """Raises UsageError, InvalidCouncil, StoreFailed: nothing was asked then."""
        self.job = job
        self.stopped_by: signal.Signals | None = None
        self.store: Store
        if job.saves:
            _session(job, None)  # imports what it needs, which is start-up and not creation
        self.session = _session(job, None if self._is_users else self._open)

    @property
    def _is_users(self) -> bool:
        """Whether the user's own store keeps the run."""
        return self.job.storing.enabled and not self.job.replays

    def _open(self) -> Store:
        """The run's own store: a replay writes what the run that it replays wrote."""
        job = self.job
        if job.storing.enabled and job.speed:
            self.store = open_store(structs.replace(job.storing, file=job.file(".db")), os.environ)
        else:
            self.store = MemoryStore()  # no thread is waited for in virtual time
        return self.store

    def perform(self) -> Ended:
        """All runs of the job; the recording, if there is to be one, is saved."""
        job = self.job
        watch = _watch(job)
        with _line_by_line(job) as show_lines:
            for _ in range(job.warm_ups):
                self._run(nullcontext())
            first = time.time()
            time.sleep(job.pause_s)
            took: list[tuple[float, float]] = []
            after: list[int] = []
            last: _Ran | None = None
            while last is None or (len(took) < job.repeats and self.stopped_by is None):
                last = None  # what is weighed is not to be what we ourselves still hold
                last = self._run(watch or nullcontext())
                took.append((last.cpu_s, last.wall_s))
                after += [_resident()] if job.weighs else []
            time.sleep(job.pause_s)
            show_lines()
        start_up_s = max(0.0, first - job.started)
        if job.saves:
            cpu = None if watch is None else _finish(watch, job, start_up_s)
            self._save(last, cpu)
        return Ended(
            exit_status=self._status(last.outcome), began=last.began, ended=last.ended,
            start_up_s=start_up_s, cpu_s=tuple(cpu_s for cpu_s, _ in took),
            wall_s=tuple(wall_s for _, wall_s in took), after=tuple(after),
            agents=len(self.session.casting.choices),
        )  # fmt: skip

    def _run(self, watch: AbstractContextManager[object]) -> _Ran:
        session, cpu = self.session, _cpu_s()
        began, start = time.time(), time.perf_counter()
        with watch, asyncio.Runner(loop_factory=session.taped.loop_factory) as runner:
            outcome = runner.run(self._conduct())
        took, ended = time.perf_counter() - start, time.time()
        return _Ran(
            outcome=outcome, began=began, ended=ended, cpu_s=_cpu_s() - cpu, wall_s=took
        )  # fmt: skip

    async def _conduct(self) -> RunOutcome:
        heed(self._stop, _end_at_once)
        session = self.session
        # `konseho run` watches its run: events are built and delivered here as they are there.
        watching = [Subscription(_look, session.emitting.usual)] if session.emitting.most else []
        return await session.run(watching)

    def _stop(self, number: signal.Signals) -> None:
        self.stopped_by = number
        self.session.interrupt(number.name)

    def _status(self, outcome: RunOutcome) -> int:
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        return outcome.exit_code or int(outcome.gate is False)

    def _save(self, ran: _Ran, cpu: CpuProfile | None) -> None:
        job, cassette = self.job, self.session.taped.cassette
        stored, spans = asyncio.run(self._kept(ran.outcome.run))
        recording = Recording(
            version=__version__, made=time.time(), machine=Machine.here(), profiler=job.profiler,
            replayed=None if cassette is None else cassette.header.run, cpu_s=ran.cpu_s,
            run=stored, spans=tuple(spans), cpu=cpu,
        )  # fmt: skip
        try:
            recording.save(job.file(".recording"))
        except OSError:
            with suppress(OSError):
                job.file(".recording").unlink()  # half of one would be taken for a whole one
            raise

    async def _kept(self, run: str) -> tuple[StoredRun, list[SpanKept]]:
        """What the store has of it. Raises StoreFailed."""
        job, store = self.job, getattr(self, "store", None)
        if not isinstance(store, MemoryStore):
            storing = job.storing if self._is_users else Storing(file=job.file(".db"))
            store = open_store(storing, os.environ)
        try:
            found = await store.load(run)
            spans, _ = await store.trace(run)
        finally:
            await store.aclose()
        if found is None:
            raise UsageError(f"run {run} was removed from the store while it was profiled")
        return found, spans


def _session(job: Job, store: Callable[[], Store] | None) -> Session:
    """Raises UsageError, InvalidCouncil, StoreFailed."""
    stored = asyncio.run(_stored(job)) if job.replay_run else None
    cassette: Path | Cassette | None = job.replay
    if stored is not None:
        from konseho_cli.engine.history import cassette_of

        cassette = cassette_of(stored)
    options = RunOptions(
        task=job.task, inputs=job.inputs, wishes=job.wishes, max_concurrency=job.max_concurrency,
        seed=job.seed, timeout_s=job.timeout_s, strict=job.strict, caching=job.caching,
        taping=Taping(
            record=job.record, replay=cassette, speed=job.speed if job.replays else 1.0
        ),
        storing=job.storing, settings=job.settings, targets=job.targets,
    )  # fmt: skip
    if job.council is not None:
        return Session(load_council(job.council), options, store=store)
    if stored is None:
        raise UsageError("which council? A cassette does not say")
    return _again(stored, options, store)


def _again(stored: StoredRun, options: RunOptions, store: Callable[[], Store] | None) -> Session:
    """The council as it was kept with a run, whatever became of its file since."""
    from konseho_cli.engine.remembered import decode

    began = decode(stored.row.began.document, stored.row.began.run)
    said = began.options
    again = structs.replace(
        options, task=options.task or began.task, inputs=began.inputs,
        max_concurrency=options.max_concurrency or said.max_concurrency,
        timeout_s=options.timeout_s or said.timeout_s, strict=options.strict or said.strict,
        settings=options.settings.over(said.settings), targets=said.targets,
    )  # fmt: skip
    return Session(began.loaded(), again, store=store)


async def _stored(job: Job) -> StoredRun:
    async with aclosing(open_store(job.storing, os.environ)) as store:
        found = await store.load(job.replay_run)
    if found is None:
        raise UsageError(f"there is no run '{job.replay_run}' any more")
    return found


def _watch(job: Job) -> CpuWatch | None:
    if job.profiler != "cpu":
        return None
    from konseho_cli.profiling.recorders.cpu import CpuWatch

    return CpuWatch()


def _finish(watch: CpuWatch, job: Job, start_up_s: float) -> CpuProfile:
    from konseho_cli.profiling.recorders.cpu import cpu_profile, notes_on

    stats, file = watch.stats(), job.file(".pstats")
    stats.dump_stats(file)
    return cpu_profile(
        stats.stats, watch.names(), threads=watch.threads,  # type: ignore[attr-defined]
        waited_beside_s=watch.waited_beside_s(), notes=notes_on(watch.threads, start_up_s),
        file=file.name,
    )  # fmt: skip


@contextmanager
def _line_by_line(job: Job) -> Iterator[Callable[[], None]]:
    """Look at functions line by line; what is given saves what was seen."""
    if job.line_kind is None:
        yield lambda: None
        return
    from konseho_cli.profiling.recorders.lines import lines_of

    with lines_of(job.line_kind, job.lines) as seen:

        def save() -> None:
            job.file(".lines").write_bytes(msgspec.msgpack.encode(seen()))

        yield save


def _look(events: Sequence[Event]) -> None:
    """See events, as a view does."""


def _resident() -> int:
    """Bytes, once what nobody holds has gone."""
    from memory_profiler import memory_usage

    gc.collect()
    give_back()
    mebibytes: float = memory_usage(-1, interval=0)[0]
    return round(mebibytes * 2**20)


def _cpu_s() -> float:
    """Of this process, and of its children that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def main(arguments: list[str]) -> int:
    """Do the job in that file; the exit status."""
    os.umask(0o077)  # whatever is left is for its owner's eyes
    job = Job.load(Path(arguments[0]))
    ended = _done(job)
    try:
        ended.save(job)
    except StoreFailed as error:  # the disk is full: stderr is a pipe, which never is
        sys.stderr.write(f"\n{(ended if ended.error else _failed(error)).spoken()}\n")
    return ended.exit_status


def _done(job: Job) -> Ended:
    try:
        job.file(".pid").write_text(str(os.getpid()), encoding="ascii")
        return Child(job).perform()
    except KonsehoError as error:
        return _failed(error)
    except OSError as error:
        where = error.filename or job.folder  # a file that is open has no name any more
        return _failed(StoreFailed(f"{where}: {error.strerror or error}"))


def _failed(error: KonsehoError) -> Ended:
    return Ended(exit_status=error.exit_code, error=str(error), hint=error.hint)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
