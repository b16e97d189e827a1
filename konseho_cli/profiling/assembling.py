"""From recordings to the profile that reports show."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.profiling.analysis import Analysis, Lag, Share
from konseho_cli.profiling.critical_path import CriticalPath, critical_path
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.profiling.recording import Recording


def profiled_of(recordings: Sequence[Recording]) -> Profiled:
    """The first recording's run is the one whose time is analysed."""
    outcome = recordings[0].outcome
    path = critical_path(outcome.spans)
    makespan = outcome.end - outcome.start
    return Profiled(
        recordings=tuple(recordings),
        analysis=Analysis(
            makespan=makespan, path=path, by_kind=_by_kind(path, makespan), by_step=(), by_agent=(),
            by_model=(), leeway=(), steps=(), resources=(), stragglers=(), early_stops=(),
            lag=Lag(count=0, p50=0, p99=0, worst=0, worst_step=""), call_overhead=0.0,
            efficiency=None,
        ),
    )  # fmt: skip


def _by_kind(path: CriticalPath, makespan: int) -> tuple[Share, ...]:
    kinds: dict[str, int] = {}
    for part in path.segments:
        kinds[part.kind] = kinds.get(part.kind, 0) + part.duration
    shares = (
        Share(name=kind, duration=took, share=took / max(1, makespan))
        for kind, took in kinds.items()
    )
    return tuple(sorted(shares, key=lambda share: -share.duration))
