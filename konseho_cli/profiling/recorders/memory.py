"""memory_profiler, looking at a child from outside, and what its looks say about a run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

import msgspec

from konseho_cli.core.errors import NotMeasured
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.memory_profile import MemoryPoint, MemoryProfile, StepMemory


class Look(msgspec.Struct, frozen=True, gc=False):
    """One look, on the wall's clock."""

    wall_s: float
    resident: int
    """Bytes, children included."""


class Curve:
    """Takes what memory_profiler writes, look by look, so that none is lost when the child ends."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.looks: list[Look] = []
        self._tick: Callable[[], None]

    def wait(self, process: subprocess.Popen[bytes], tick: Callable[[], None]) -> None:
        """Look at a process until it ends; `tick` is called after each look."""
        from memory_profiler import memory_usage, psutil

        self._tick = tick
        try:
            memory_usage(
                process,
                interval=self.interval_s,
                timestamps=True,
                include_children=True,
                stream=self,
            )
        except (psutil.Error, TypeError):  # it ended between two looks, or may not be looked at
            process.wait()

    def write(self, text: str) -> None:
        """`MEM 12.5 1700000000.1234`: mebibytes, and seconds since the epoch."""
        kind, size, wall_s = text.split()
        if kind == "MEM" and float(size) > 0:  # a process that has ended takes none
            self.looks.append(Look(float(wall_s), round(float(size) * 2**20)))
        self._tick()

    def flush(self) -> None:
        """Part of what a stream can do."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """The run that was looked at."""

    began: float
    """Seconds since the epoch, as is `ended`."""
    ended: float
    agents: int
    steps: Sequence[StepOutcome]
    """In nanoseconds since it began; none of a run in virtual time, whose clock is not the wall's."""


def memory_profile(looks: Sequence[Look], ran: Ran, interval_s: float) -> MemoryProfile:
    """What the looks say about a run. Pure. Raises NotMeasured where there are none."""
    if not looks:
        raise NotMeasured(
            "the memory of the run could not be looked at",
            hint="it ended before the first look, or its process may not be looked at",
        )
    points = tuple(
        MemoryPoint(at=round((look.wall_s - ran.began) * 1e9), resident=look.resident)
        for look in sorted(looks, key=lambda look: look.wall_s)
    )
    over = round((ran.ended - ran.began) * 1e9)
    within = _between(points, 0, over)
    return MemoryProfile(
        points=points, interval_s=interval_s,
        before=within[0].resident,
        peak=max(point.resident for point in within),
        after=next((point for point in points if point.at >= over), points[-1]).resident,
        agents=ran.agents,
        steps=tuple(
            _step(step, points)
            for step in ran.steps
            if step.start is not None and step.end is not None
        ),
    )  # fmt: skip


def _step(step: StepOutcome, points: Sequence[MemoryPoint]) -> StepMemory:
    assert step.start is not None
    assert step.end is not None
    within = _between(points, step.start, step.end)
    return StepMemory(
        step=step.id,
        peak=max(point.resident for point in within),
        growth=within[-1].resident - within[0].resident,
    )


def _between(points: Sequence[MemoryPoint], start: int, end: int) -> Sequence[MemoryPoint]:
    """The last look before `start` and all up to `end`; at least one."""
    first = max((at for at, point in enumerate(points) if point.at <= start), default=0)
    last = max((at for at, point in enumerate(points) if point.at <= end), default=0)
    return points[first : max(first, last) + 1]
