"""What memory_profiler saw from outside: the memory of a process and its children over time."""

from __future__ import annotations

import msgspec


class MemoryPoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One look at it."""

    at: int
    """Nanoseconds since the run began; negative before it did."""
    resident: int
    """Bytes, children included."""


class StepMemory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was seen while a step ran; others may have run at the same time."""

    step: str
    peak: int
    """Bytes."""
    growth: int
    """Bytes from the last look before it to the last one in it."""


class LineMemory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a function that was looked at line by line."""

    function: str
    file: str
    line: int
    hits: int
    growth: int
    """Bytes that it added, all its executions together."""
    resident: int
    """Bytes after its last execution."""
    source: str


class MemoryProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One run, looked at from outside."""

    points: tuple[MemoryPoint, ...]
    """At least one."""
    interval_s: float
    """Between two looks, as it was asked for."""
    before: int
    """Bytes when the run began."""
    peak: int
    after: int
    """Bytes when it had ended."""
    agents: int
    steps: tuple[StepMemory, ...]
    lines: tuple[LineMemory, ...] = ()

    @property
    def growth(self) -> int:
        """Bytes by which the run made the process larger at its largest."""
        return max(0, self.peak - self.before)

    @property
    def per_agent(self) -> float:
        """Bytes of growth for each agent of the council."""
        return self.growth / max(1, self.agents)


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """The memory after each of several runs in one process, and the line through it."""

    after: tuple[int, ...]
    """Bytes resident after each run, garbage collected."""
    slope: float
    """Bytes a run, by Theil and Sen; the first runs, which fill caches, are left out."""
    low: float
    high: float
    """Its 95 % interval."""

    @property
    def leaks(self) -> bool:
        """Whether it grows for certain, and by more than a page a run."""
        return self.low > 4096
