"""What a profiler does to a run: replays at once, with it and without it, turn about (A B B A)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import msgspec
from msgspec import structs

from konseho_cli.core.errors import KonsehoError
from konseho_cli.profiling.profiled import ProfilerCost
from konseho_cli.profiling.recorders.job import Job
from konseho_cli.profiling.recorders.process import Interruption, clean_up
from konseho_cli.profiling.recorders.recorder import SPEEDSCOPE, Watching, watched
from konseho_cli.profiling.recording import Profiler

BUDGET_S = 20.0
"""Seconds that all of it may take."""
_ENOUGH_S = 0.25
"""CPU seconds of one measurement: of less, the noise would be the larger part."""
_MOST_RUNS = 300
_PAIRS = 4
"""For each profiler, if there is time."""


class Cost(msgspec.Struct, frozen=True, gc=False):
    """CPU and wall seconds of one measurement."""

    cpu_s: float
    wall_s: float


def measure_costs(
    replay: Job,
    profilers: Sequence[Profiler],
    how: Watching,
    interruption: Interruption,
    tick: Callable[[], None] = lambda: None,
    budget_s: float = BUDGET_S,
) -> tuple[ProfilerCost, ...]:
    """Those that could be measured in the time; `replay`: a job that asks nobody.

    A run that ends otherwise when it is replayed at once says nothing, and so has no cost.
    """
    meter = _Meter(replay, how, interruption, tick, time.monotonic() + budget_s)
    found = []
    try:
        meter.calibrate()
        for done, profiler in enumerate(profilers):
            pairs = list(meter.pairs(profiler, 1 / (len(profilers) - done)))
            if pairs:
                found.append(cost_of(profiler, pairs))
    except _Over:
        pass
    except KonsehoError:
        if interruption.stopped_by is None:
            raise
    return tuple(found)


def cost_of(profiler: Profiler, pairs: Sequence[tuple[Cost, Cost]]) -> ProfilerCost:
    """Medians of the ratios; pairs are without and with it. Pure."""
    return ProfilerCost(
        profiler=profiler,
        cpu=median(beside.cpu_s / bare.cpu_s for bare, beside in pairs),
        wall=median(beside.wall_s / bare.wall_s for bare, beside in pairs),
        pairs=len(pairs),
    )


class _Over(Exception):
    """The time is up."""


class _Meter:
    """Runs children until the time is up."""

    def __init__(
        self,
        replay: Job,
        how: Watching,
        interruption: Interruption,
        tick: Callable[[], None],
        deadline: float,
    ) -> None:
        self._job = structs.replace(
            replay, name="cost", speed=0.0, record=None, saves=False, warm_ups=1, pause_s=0.0
        )
        self._how, self._interruption, self._tick = how, interruption, tick
        self._deadline = deadline

    def calibrate(self) -> None:
        """Find how many runs make a measurement."""
        once = self._run("spans").cpu_s
        repeats = min(_MOST_RUNS, max(1, round(_ENOUGH_S / max(once, 1e-4))))
        self._job = structs.replace(self._job, repeats=repeats)

    def pairs(self, profiler: Profiler, share: float) -> Iterator[tuple[Cost, Cost]]:
        """Bare and watched, side by side, in this share of the time that is left."""
        start = time.monotonic()
        until = start + (self._deadline - start) * share
        longest = 0.0
        for number in range(_PAIRS):
            began = time.monotonic()
            if began + longest > until:
                return
            try:
                if number % 2:
                    beside, bare = self._run(profiler), self._run("spans")
                else:
                    bare, beside = self._run("spans"), self._run(profiler)
            except _Over:
                return
            yield bare, beside
            longest = max(longest, time.monotonic() - began)

    def _run(self, profiler: Profiler) -> Cost:
        job = structs.replace(self._job, profiler=profiler, started=time.time())
        try:
            ended, _ = watched(job, self._how, self._interruption, self._on)
        finally:
            clean_up(job, SPEEDSCOPE)
        return Cost(sum(ended.cpu_s), sum(ended.wall_s))

    def _on(self) -> None:
        """Called while a child runs, which is ended where this raises."""
        self._tick()
        if time.monotonic() > self._deadline or self._interruption.stopped_by is not None:
            raise _Over
