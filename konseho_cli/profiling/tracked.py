"""Findings about the caller's own code, as a `Tracker` timed it inside of the run."""

from __future__ import annotations

from collections.abc import Iterator

from konseho_cli.core.units import show_duration, show_percent
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import WORTH
from konseho_cli.telemetry.timings import HELD_S, Timing


def tracked_findings(outcome: RunOutcome) -> tuple[Finding, ...]:
    """What took more than a hundredth of the makespan, or held the loop; the largest saving first."""
    found = sorted(_findings(outcome), key=lambda finding: -finding.saves_s)
    return tuple(found)


def _findings(outcome: RunOutcome) -> Iterator[Finding]:
    makespan_s = outcome.duration_s
    for timing in outcome.timings:
        if timing.held_s > HELD_S:
            yield _held(timing, makespan_s)
        elif timing.total_s > WORTH * makespan_s:
            yield _slow(timing, makespan_s)


def _held(timing: Timing, makespan_s: float) -> Finding:
    return Finding(
        topic="tracked",
        where=timing.name,
        what=f"{timing.name} held every agent up for {show_duration(timing.held_s)} at once, and "
        f"took {_took(timing, makespan_s)}: it is not asynchronous, and ran on the event loop",
        advice=f"await `asyncio.to_thread({timing.name}, …)`, or do its work after the run",
        saves_s=min(timing.total_s, makespan_s),
        estimated=True,
    )


def _slow(timing: Timing, makespan_s: float) -> Finding:
    """What it would save is unknown: others may have worked at the same time."""
    return Finding(
        topic="tracked",
        where=timing.name,
        what=f"{timing.name} took {_took(timing, makespan_s)}",
        advice=f"see what it waits for or computes: p95 is {show_duration(timing.p95_s)}, "
        f"the longest took {show_duration(timing.max_s)}",
    )


def _took(timing: Timing, makespan_s: float) -> str:
    """`1.2 s in 12 calls (20 % of the run)`."""
    calls = "1 call" if timing.count == 1 else f"{timing.count:,} calls"
    share = f" ({show_percent(timing.total_s / makespan_s)} of the run)" if makespan_s else ""
    return f"{show_duration(timing.total_s)} in {calls}{share}"
