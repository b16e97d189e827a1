"""One run under one profiler, in a process of its own: from a job to a recording."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError
from konseho_cli.profiling.cpu_profile import LineTime
from konseho_cli.profiling.memory_profile import LineMemory
from konseho_cli.profiling.recorders.job import Ended, Job
from konseho_cli.profiling.recorders.memory import Curve, Ran, memory_profile
from konseho_cli.profiling.recorders.process import Interruption, clean_up, run_child, said
from konseho_cli.profiling.recorders.py_spy import (
    Sampling,
    check_allowed,
    of_run,
    read_samples,
    record_command,
    refused,
)
from konseho_cli.profiling.recording import Recording

INTERVAL_S = 0.02
"""Between two looks at the memory."""
SPEEDSCOPE = ".speedscope.json"


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """How the profilers look, where they let themselves be told."""

    interval_s: float = INTERVAL_S
    sampling: Sampling = Sampling()


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A recording, which is saved in its folder, and how its run ended."""

    recording: Recording
    ended: Ended


def record(
    job: Job,
    how: Watching,
    interruption: Interruption,
    tick: Callable[[], None] = lambda: None,
) -> Recorded:
    """Run a job under its profiler, and keep what was seen.

    Raises what its run raises before anything is asked; NotMeasured where the profiler cannot look;
    KonsehoError where the process died.
    """
    try:
        ended, looks = watched(job, how, interruption, tick)
        recording = Recording.load(job.file(".recording"))
        if looks is not None:
            recording = structs.replace(recording, memory=memory_profile(
                looks.looks, _ran(job, recording, ended), how.interval_s
            ))  # fmt: skip
        elif job.profiler == "sample":
            file = job.file(SPEEDSCOPE)
            if not file.exists():
                raise refused(said(job))
            os.chmod(file, 0o600)
            recording = structs.replace(recording, samples=of_run(read_samples(file, how.sampling)))
        if job.profiler in ("memory", "sample"):
            recording.save(job.file(".recording"))
    except OSError as error:
        raise KonsehoError(f"{job.folder} cannot be written: {error.strerror}") from error
    finally:
        clean_up(job)
    return Recorded(recording=recording, ended=ended)


def watched(
    job: Job,
    how: Watching,
    interruption: Interruption,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Ended, Curve | None]:
    """Run a job under its profiler. Raises as `record` does."""
    if job.profiler == "memory":
        curve = Curve(how.interval_s)
        paused = structs.replace(job, pause_s=2 * how.interval_s)
        return run_child(paused, interruption, tick=tick, wait=curve.wait), curve
    if job.profiler != "sample":
        return run_child(job, interruption, tick=tick), None
    if job.saves:
        check_allowed(job.folder)
    command = [*record_command(how.sampling, job.file(SPEEDSCOPE)), "--"]
    try:
        return run_child(job, interruption, tick=tick, command=command), None
    except KonsehoError as error:
        if interruption.stopped_by is None and not job.file(".pid").exists():
            raise refused(said(job)) from error
        raise


def record_lines(
    job: Job, interruption: Interruption, tick: Callable[[], None] = lambda: None
) -> tuple[LineTime, ...] | tuple[LineMemory, ...]:
    """Run a job with some of its functions looked at line by line. Raises as `record` does."""
    try:
        run_child(job, interruption, tick=tick)
        seen = job.file(".lines").read_bytes()
    finally:
        clean_up(job)
    if job.line_kind == "cpu":
        return msgspec.msgpack.decode(seen, type=tuple[LineTime, ...])
    return msgspec.msgpack.decode(seen, type=tuple[LineMemory, ...])


def _ran(job: Job, recording: Recording, ended: Ended) -> Ran:
    outcome = recording.outcome
    is_virtual = job.replays and not job.speed
    return Ran(
        began=ended.began if is_virtual else outcome.anchor.wall_s,
        ended=ended.ended, agents=ended.agents, steps=() if is_virtual else outcome.steps,
    )  # fmt: skip
