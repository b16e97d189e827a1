"""Findings about the event loop: who holds it, and what Konseho itself computes on it."""

from __future__ import annotations

from collections.abc import Iterator

from konseho_cli.core.units import show_duration
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.cpu_profile import CpuProfile
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import WORTH, Candidate
from konseho_cli.profiling.recorders.cpu_groups import IMPORTS, WAITING
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.telemetry.bus import ListenerTime
from konseho_cli.telemetry.timings import HELD_S

_AN_EVENT_S = 0.001
"""What the handling of an event may take."""
_UNCHANGEABLE = frozenset({WAITING, IMPORTS})
"""Waits are no work, and a module is imported once a process."""
_COMPUTES = 0.2
"""Of the makespan: a run that computes less waits for its models, whatever it computes."""
_ADVICE = {
    "context serialization": "set `compress_context: false`, or `window` where prompts are long",
    "event emission": "set `events: steps` in a preset, or `--events steps`",
    "history": "`--no-store` keeps nothing, and tells what keeping the run costs",
    "coordination": "ask less often: fewer agents or rounds, or longer pieces in `split`",
}
"""What to try, by the part that computes most."""


def loop_findings(outcome: RunOutcome, analysis: Analysis) -> Iterator[Candidate]:
    """Listeners that hold the loop, events that are too many, and a loop that is late."""
    makespan_s = analysis.makespan / 1e9
    holds = [each for each in outcome.listeners if each.worst_s > HELD_S and _is_slow(each)]
    for each in holds:
        yield Candidate(finding=_holds(each, makespan_s))
    rest = [each for each in outcome.listeners if each not in holds]
    took_s = sum(each.seconds for each in rest)
    if took_s > WORTH * makespan_s:
        yield Candidate(finding=_chatty(rest, took_s, makespan_s))
    held = any(timing.held_s > HELD_S for timing in outcome.timings)
    if analysis.lag.p99 > HELD_S * 1e9 and not holds and not held:
        yield Candidate(finding=_late(analysis))


def cpu_findings(cpu: CpuProfile, makespan_s: float) -> Iterator[Candidate]:
    """The part of Konseho that computes most, where computing matters at all."""
    work_s = cpu.total_s - cpu.waiting_s
    parts = [group for group in cpu.groups if group.name not in _UNCHANGEABLE]
    if work_s < _COMPUTES * makespan_s or not parts:
        return
    most = parts[0]
    advice = _ADVICE.get(most.name, "see its functions above: `--cpu --lines` shows one by lines")
    yield Candidate(
        finding=Finding(
            topic="cpu",
            where=most.name,
            what=f"under cProfile {show_duration(work_s)} of {show_duration(makespan_s)} are "
            f"computed, {show_duration(most.own_s)} of it in {most.name}",
            advice=advice,
        )
    )


def _is_slow(listener: ListenerTime) -> bool:
    """Whether it is slow by itself, rather than given too many events at once."""
    return listener.seconds > _AN_EVENT_S * listener.events


def _holds(listener: ListenerTime, makespan_s: float) -> Finding:
    return Finding(
        topic="listener",
        where=listener.name,
        what=f"the listener {listener.name} held every agent up for "
        f"{show_duration(listener.worst_s)} at once, {show_duration(listener.seconds)} in all",
        advice="let it hand its batches to a thread and return at once, or read `stream()`",
        saves_s=min(listener.seconds, makespan_s),
        estimated=True,
    )


def _chatty(listeners: list[ListenerTime], took_s: float, makespan_s: float) -> Finding:
    most = max(listeners, key=lambda each: each.seconds)
    return Finding(
        topic="events",
        where=most.name,
        what=f"{most.events:,} events took their listeners {show_duration(took_s)}, "
        f"{most.name} the most",
        advice="set `events: steps` in a preset, or `--events steps`: no pieces of text then",
        saves_s=min(took_s, makespan_s),
        estimated=True,
    )


def _late(analysis: Analysis) -> Finding:
    lag = analysis.lag
    where = f", worst in {lag.worst_step}" if lag.worst_step else ""
    return Finding(
        topic="overhead",
        where=lag.worst_step,
        what=f"the event loop was late: one wake in a hundred waited {show_duration(lag.p99 / 1e9)} "
        f"or more{where}",
        advice="something blocks it: `konseho profile --sample` shows what",
        saves_s=lag.worst / 1e9,
        estimated=True,
    )
