"""Findings about waiting: for one agent, for slots, for a rate, for the last of a round."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from konseho_cli.core.units import show_duration, show_percent
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.analysis import Analysis, Leeway, Resource, Straggler
from konseho_cli.profiling.changes import Changes, Pace, StepChange
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import WORTH, Candidate

_SLOW = 0.8
"""Who takes a quarter longer than the others is slow; less is chance."""
_NO_LIMIT = 10**9


def time_findings(outcome: RunOutcome, analysis: Analysis) -> Iterator[Candidate]:
    """What held the run up, and could be helped by a setting."""
    if not analysis.makespan:
        return
    yield from _slow_agents(analysis)
    for resource in analysis.resources:
        if resource.queued_on_path > WORTH * analysis.makespan:
            yield _queue(resource, analysis)
    for straggler in analysis.stragglers:
        if straggler.quorum_cost > WORTH * analysis.makespan:
            yield _straggler(straggler)
    yield from _failures(outcome, analysis)


def _slow_agents(analysis: Analysis) -> Iterator[Candidate]:
    """Agents that take longer than those who do the same: as fast as they are, what would it save?"""
    rounds: dict[tuple[str, str], list[Leeway]] = {}
    for call in analysis.leeway:
        rounds.setdefault((call.step, call.label), []).append(call)
    excess: dict[str, int] = {}
    usual: dict[str, list[float]] = {}
    took: dict[str, list[int]] = {}
    for calls in rounds.values():
        for call in calls:
            others = [_own(other) for other in calls if other.agent != call.agent]
            if others and call.drag:
                typical = median(others)
                over = min(call.drag, int(_own(call) - typical))
                excess[call.agent] = excess.get(call.agent, 0) + max(0, over)
                usual.setdefault(call.agent, []).append(typical)
                took.setdefault(call.agent, []).append(_own(call))
    for agent, nanoseconds in excess.items():
        factor = median(usual[agent]) / median(took[agent])
        if factor < _SLOW and nanoseconds > WORTH * analysis.makespan:
            yield _slow_agent(agent, nanoseconds, median(took[agent]), median(usual[agent]), factor)


def _own(call: Leeway) -> int:
    """What it took by itself."""
    return call.duration - call.waited


def _slow_agent(agent: str, excess: int, took: float, usual: float, factor: float) -> Candidate:
    times = (
        f"{show_duration(took / 1e9)} an answer where the others take {show_duration(usual / 1e9)}"
    )
    return Candidate(
        finding=Finding(
            topic="agent",
            where=agent,
            what=f"{agent} is slow: {times}",
            advice=f"give {agent} a faster `model`, a smaller `max_tokens`, or a shorter prompt",
            saves_s=excess / 1e9,
            estimated=True,
        ),
        changes=Changes(agents={agent: Pace(factor=factor)}),
    )


def _queue(resource: Resource, analysis: Analysis) -> Candidate:
    """Whoever waits for a resource on the critical path."""
    kind, _, name = resource.name.partition(" of ")
    share = resource.queued_on_path / analysis.makespan
    waits = f"{show_duration(resource.queued_on_path / 1e9)} of the critical path ({show_percent(share)})"
    wanted = resource.suggested or 2 * (resource.capacity or 1)
    if kind == "rate":
        what = f"{name} is held back by its rate limit: {waits}"
        advice = (
            f"raise `rpm` or `tpm` of {name} if its provider allows it, or let another model take "
            "a part of its calls"
        )
    else:
        what = f"{_most_waiting(analysis)} for a slot of {resource.name}: {waits}"
        advice = f"set `{kind}: {wanted}`" + (f" for {name}" if name else "")
    return Candidate(
        finding=Finding(
            topic="rate" if kind == "rate" else "slots", where=name or kind, what=what,
            advice=advice, saves_s=resource.queued_on_path / 1e9, estimated=True,
        ),
        changes=_raised(kind, name, wanted),
    )  # fmt: skip


def _raised(kind: str, name: str, wanted: int) -> Changes | None:
    """The what-if with more of a resource; none for an agent's pool."""
    changes = {
        "max_concurrency": Changes(concurrency=wanted),
        "concurrency": Changes(limits={(name, "concurrency"): wanted}),
        "rate": Changes(limits={(name, "rpm"): _NO_LIMIT, (name, "tpm"): _NO_LIMIT}),
    }
    return changes.get(kind)


def _most_waiting(analysis: Analysis) -> str:
    """The step in which somebody waited for a slot the longest."""
    steps = {step.step: step for step in analysis.steps}
    waits = {
        name: step.waiting.get("queue.limit", 0) + step.waiting.get("queue.pool", 0)
        for name, step in steps.items()
    }
    name = max(waits, key=lambda name: waits[name], default="")
    if not name:
        return "calls wait"
    return f"{name} waits {show_percent(waits[name] / max(1, steps[name].duration))} of its time"


def _straggler(straggler: Straggler) -> Candidate:
    label = f" {straggler.label}" if straggler.label else ""
    most = straggler.answers // 2 + 1
    return Candidate(
        finding=Finding(
            topic="straggler",
            where=straggler.step,
            what=f"{straggler.step}{label} waits {show_duration(straggler.quorum_cost / 1e9)} for "
            f"{straggler.agent} after {most} of {straggler.answers} have answered",
            advice=f"set `quorum: {most}` and `wait: quorum` on {straggler.step}",
            saves_s=straggler.quorum_cost / 1e9,
            estimated=True,
        ),
        changes=Changes(
            steps=(
                StepChange(step=straggler.step, field="quorum", value=most),
                StepChange(step=straggler.step, field="wait", value="quorum"),
            )
        ),
    )


def _failures(outcome: RunOutcome, analysis: Analysis) -> Iterator[Candidate]:
    """Waits between tries, where a service fails."""
    backoff = next((share for share in analysis.by_kind if share.name == "backoff"), None)
    if backoff is None or backoff.duration < WORTH * analysis.makespan:
        return
    tried: dict[str, int] = {}
    for call in outcome.calls:
        if call.retries:
            tried[call.model] = tried.get(call.model, 0) + call.retries
    worst = max(tried, key=lambda model: tried[model], default="a model")
    yield Candidate(
        finding=Finding(
            topic="failures",
            where=worst,
            what=f"{worst} failed {tried.get(worst, 0)} times; waits before the next try took "
            f"{show_duration(backoff.duration / 1e9)} of the critical path",
            advice=f"give {worst} a `fallback`, or less at a time",
            saves_s=backoff.duration / 1e9,
            estimated=True,
        )
    )
