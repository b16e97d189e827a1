"""A recording: what one run left, and what a profiler saw of it. It saves and loads again."""

from __future__ import annotations

import os
import platform
import sys
from functools import cached_property
from pathlib import Path
from typing import Literal, Self, TypeAlias

import msgspec

from konseho_cli.core.errors import UsageError
from konseho_cli.core.packing import pack, unpack
from konseho_cli.engine.history import recalled
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.memory_profile import MemoryProfile
from konseho_cli.profiling.sampled import Samples
from konseho_cli.store.base import SpanKept, StoredRun

FORMAT = 1

Profiler: TypeAlias = Literal["spans", "cpu", "memory", "sample"]
"""What watched the run; `spans`: nobody but Konseho itself."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run was recorded."""

    python: str
    """`3.11.7`."""
    platform: str
    cpus: int
    """Those that the process may use."""

    @classmethod
    def here(cls) -> Self:
        """The one that this process is on."""
        affinity = getattr(os, "sched_getaffinity", None)
        cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
        return cls(python=platform.python_version(), platform=sys.platform, cpus=cpus)


class Recording(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One run as it was recorded. All times are nanoseconds since the run began."""

    konseho_recording: int = FORMAT
    version: str
    """Of the Konseho that made it."""
    made: float
    """Seconds since the epoch."""
    machine: Machine
    profiler: Profiler
    replayed: str | None
    """The run whose answers it was given; None: models were asked."""
    cpu_s: float
    """CPU time that its process took for it, children included; start-up is not in it."""
    run: StoredRun
    spans: tuple[SpanKept, ...]
    cpu: CpuProfile | None = None
    memory: MemoryProfile | None = None
    samples: Samples | None = None

    @cached_property
    def outcome(self) -> RunOutcome:
        """The run as it ended; its spans too."""
        return recalled(self.run, self.spans)

    def save(self, file: Path) -> None:
        """Write it, for its owner's eyes only. Raises OSError."""
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_bytes(pack(msgspec.to_builtins(self, builtin_types=(bytes,))))

    @classmethod
    def load(cls, file: Path) -> Recording:
        """Read one that was saved. Raises UsageError."""
        try:
            return msgspec.convert(unpack(file.read_bytes()), cls)
        except (OSError, ValueError) as error:
            raise UsageError(f"{file} is not a recording: {error}") from error
