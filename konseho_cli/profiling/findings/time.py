"""Findings about waiting: for one agent, for slots, for a rate, for the last of a round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from statistics import median
from typing import Any

from msgspec import structs

from konseho_cli.core.units import show_duration, show_percent
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.base import is_person, place_of
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import WORTH, Candidate
from konseho_cli.profiling.time.analysis import Analysis, EarlyStop, Leeway, Resource, Straggler
from konseho_cli.profiling.whatif.changes import Changes, Pace, StepChange

_SLOW = 0.8
"""Who takes a quarter longer than the others is slow; less is chance."""
_NO_LIMIT = 10**9
_ADVICE = {
    "max_concurrency": "set `max_concurrency: {wanted}`",
    "concurrency": "set `concurrency: {wanted}` on the model {name}",
    "pool": "set `max_agents: {wanted}` on {name}",
    "rate": "raise `rpm` or `tpm` of {name} if its provider allows it, or let another model take a "
    "part of its calls",
}
"""By the kind of resource; what is not here is bounded by no setting."""


def time_findings(outcome: RunOutcome, analysis: Analysis) -> Iterator[Candidate]:
    """What held the run up, and could be helped by a setting."""
    if not analysis.makespan:
        return
    people = {call.agent for call in outcome.calls if is_person(call.model)}
    yield from _slow_agents(analysis, people)
    for resource in analysis.resources:
        if resource.queued_on_path > WORTH * analysis.makespan and _kind(resource) in _ADVICE:
            yield _queue(resource, analysis)
    yield from _stragglers(analysis)
    yield from _early_stops(analysis)
    yield from _failures(outcome, analysis)


def _slow_agents(analysis: Analysis, people: Collection[str]) -> Iterator[Candidate]:
    """Agents that take longer than those who do the same: as fast as they are, what would it save?

    People take their time: there is no faster model of them.
    """
    rounds: dict[tuple[str, str], list[Leeway]] = {}
    for call in analysis.leeway:
        rounds.setdefault((call.step, call.label), []).append(call)
    excess: dict[str, int] = {}
    usual: dict[str, list[float]] = {}
    took: dict[str, list[int]] = {}
    for calls in rounds.values():
        for call in calls:
            others = [_own(other) for other in calls if other.agent != call.agent]
            if others and call.drag and call.agent not in people:
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


def _kind(resource: Resource) -> str:
    """`max_concurrency`, `concurrency`, `rate`, `pool`, or what no setting bounds."""
    return resource.name.partition(" of ")[0]


def _queue(resource: Resource, analysis: Analysis) -> Candidate:
    """Whoever waits for a resource on the critical path."""
    kind, name = _kind(resource), resource.name.partition(" of ")[2]
    on_path = resource.queued_on_path / analysis.makespan
    waits = (
        f"{show_duration(resource.queued_on_path / 1e9)} of the critical path "
        f"({show_percent(on_path)})"
    )
    wanted = resource.suggested or 2 * (resource.capacity or 1)
    what = f"{_who_waits(resource, analysis)} for a slot of {resource.name}: {waits} in all"
    if kind == "rate":
        what = f"{name} is held back by its rate limit: {waits}"
    return Candidate(
        finding=Finding(
            topic="rate" if kind == "rate" else "slots", where=name or kind, what=what,
            advice=_ADVICE[kind].format(name=name, wanted=wanted),
            saves_s=resource.queued_on_path / 1e9, estimated=True,
        ),
        changes=_raised(kind, name, wanted),
        stands=kind == "rate",
    )  # fmt: skip


def _raised(kind: str, name: str, wanted: int) -> Changes:
    """The what-if with more of a resource."""
    changes = {
        "max_concurrency": Changes(concurrency=wanted),
        "concurrency": Changes(limits={(name, "concurrency"): wanted}),
        "rate": Changes(limits={(name, "rpm"): _NO_LIMIT, (name, "tpm"): _NO_LIMIT}),
        "pool": Changes(steps=(StepChange(step=name, field="max_agents", value=wanted),)),
    }
    return changes[kind]


def _who_waits(resource: Resource, analysis: Analysis) -> str:
    """`review waits 62 % of its time`: the step that waits for it the longest."""
    durations = {step.step: step.duration for step in analysis.steps}
    duration = durations.get(resource.most_in)
    if not duration:
        return "calls wait"
    return f"{resource.most_in} waits {show_percent(resource.queued_there / duration)} of its time"


def _stragglers(analysis: Analysis) -> Iterator[Candidate]:
    """Steps that wait for the last of their answers, and may go on without it: parallel ones."""
    kinds = {step.step: step.kind for step in analysis.steps}
    cost: Counter[str] = Counter()
    worst: dict[str, Straggler] = {}
    for each in analysis.stragglers:  # the costliest first
        if kinds.get(each.step) == "parallel":
            cost[place_of(each.step)] += each.quorum_cost
            worst.setdefault(place_of(each.step), each)
    for place, straggler in worst.items():
        if cost[place] > WORTH * analysis.makespan:
            yield _straggler(structs.replace(straggler, step=place, quorum_cost=cost[place]))


def _straggler(straggler: Straggler) -> Candidate:
    """Of one that is run again and again, `step` is its place, and its cost that of all."""
    most = straggler.answers // 2 + 1
    fields = {"quorum": most, "wait": "quorum"}
    return Candidate(
        finding=Finding(
            topic="straggler",
            where=straggler.step,
            what=f"{straggler.step} waits {show_duration(straggler.quorum_cost / 1e9)} for "
            f"{straggler.agent} after {most} of {straggler.answers} have answered",
            advice=f"set `quorum: {most}` and `wait: quorum` on {straggler.step}",
            saves_s=straggler.quorum_cost / 1e9,
            estimated=True,
        ),
        changes=_of_step(straggler.step, fields),
    )


def _early_stops(analysis: Analysis) -> Iterator[Candidate]:
    """Votes that were decided before the last ballot came."""
    saved: Counter[str] = Counter()
    for one in analysis.early_stops:
        saved[place_of(one.step)] += 0 if one.stopped else one.saved
    for place, nanoseconds in saved.items():
        stop = EarlyStop(step=place, stopped=False, saved=nanoseconds)
        if stop.saved > WORTH * analysis.makespan:
            yield Candidate(
                finding=Finding(
                    topic="straggler",
                    where=stop.step,
                    what=f"{stop.step} was decided {show_duration(stop.saved / 1e9)} before its "
                    "last ballot",
                    advice=f"set `early_stop: true` on {stop.step}",
                    saves_s=stop.saved / 1e9,
                    estimated=True,
                ),
                changes=_of_step(stop.step, {"early_stop": True}),
            )


def _of_step(step: str, fields: Mapping[str, Any]) -> Changes:
    return Changes(
        steps=tuple(
            StepChange(step=step, field=field, value=value) for field, value in fields.items()
        )
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
            what=f"{worst} had to be asked again {tried.get(worst, 0)} times; the waits before took "
            f"{show_duration(backoff.duration / 1e9)} of the critical path",
            advice=f"give {worst} a `fallback`, or less at a time",
            saves_s=backoff.duration / 1e9,
            estimated=True,
        )
    )
