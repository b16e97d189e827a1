"""Queue against service: what calls waited for, for how long it was held, and how much would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec import structs

from konseho_cli.models.base import place_of
from konseho_cli.models.service_state import ServiceState
from konseho_cli.profiling.time.analysis import Resource
from konseho_cli.profiling.time.answerers import Answerers
from konseho_cli.profiling.time.attempts import Attempt, attempts_of
from konseho_cli.profiling.time.critical_path import Walked
from konseho_cli.profiling.time.intervals import Interval, covered, peak
from konseho_cli.profiling.time.rounds import rounds_of
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.telemetry.spans import Span

SLOTS = "max_concurrency"
_CONCURRENCY = "concurrency of "
_ONLY_WAITED = {
    "backoff": "backoff", "queue.flight": "the same answer", "queue.warm": "prompt cache",
}  # fmt: skip
"""What is waited for and never held."""


class Arrival(NamedTuple):
    """One that wanted a resource."""

    waits: tuple[Interval, ...]
    hold: Interval | None
    """None: it is not a thing to hold, or it was never given."""

    @property
    def stay(self) -> Interval:
        """From when it came to when it left."""
        times = [*self.waits, *(() if self.hold is None else (self.hold,))]
        return times[0][0], times[-1][1]


def resources_of(
    trace: Trace, walk: Walked, answerers: Answerers, services: Sequence[ServiceState]
) -> tuple[Resource, ...]:
    """All that is bounded or was waited for, the one that was waited for longest first."""
    if trace.run is None:
        return ()
    makespan = trace.run.end - trace.run.start
    on_path, in_steps = _queued_on_path(trace, walk), _queued_in_steps(trace)
    capacities = _capacities(trace, services)
    found = []
    for name, arrivals in _arrivals(trace, answerers, capacities).items():
        capacity = capacities.get(name)
        made = _resource(name, arrivals, capacity, on_path.get(name, ()), makespan)
        most_in, queued = max(
            in_steps.get(name, {}).items(), key=lambda item: item[1], default=("", 0)
        )
        found.append(structs.replace(made, most_in=most_in, queued_there=queued))
    return tuple(sorted(found, key=lambda one: (-one.queued, one.name)))


def efficiency_of(resources: Sequence[Resource]) -> float | None:
    """Mean requests under way of all that there might have been; None: nothing bounds them."""
    held = [one for one in resources if one.capacity is not None]
    run = [one for one in held if one.name == SLOTS]
    bounded = run or [one for one in held if one.name.startswith(_CONCURRENCY)]
    capacity = sum(one.capacity or 0 for one in bounded)
    return sum(one.in_use for one in bounded) / capacity if capacity else None


def _resource(
    name: str, arrivals: Sequence[Arrival], capacity: int | None,
    on_path: Iterable[Interval], makespan: int,
) -> Resource:  # fmt: skip
    waits = [wait for arrival in arrivals for wait in arrival.waits]
    holds = [arrival.hold for arrival in arrivals if arrival.hold is not None]
    waited, held = sum(map(_length, waits)), sum(map(_length, holds))
    if capacity is None and any(waits) and holds:
        capacity = peak(holds)  # while somebody waited, all of it was held
    return Resource(
        name=name,
        capacity=capacity,
        arrivals=len(arrivals),
        waited=sum(bool(arrival.waits) for arrival in arrivals),
        queued=covered(waits),
        queued_on_path=covered(on_path),
        service=held / len(arrivals) if arrivals else 0.0,
        mean_wait=waited / len(arrivals) if arrivals else 0.0,
        in_use=held / makespan if makespan else 0.0,
        in_queue=waited / makespan if makespan else 0.0,
        suggested=max(1, peak(arrival.stay for arrival in arrivals)) if holds else None,
    )


def _length(interval: Interval) -> int:
    return interval[1] - interval[0]


def _capacities(trace: Trace, services: Sequence[ServiceState]) -> dict[str, int]:
    found = {
        f"{_CONCURRENCY}{service.model}": service.concurrency
        for service in services
        if service.concurrency is not None
    }
    stated = trace.run.attributes.get("max_concurrency") if trace.run is not None else None
    return found if stated is None else {SLOTS: int(stated), **found}


def _name(trace: Trace, wait: Span) -> str | None:
    """What a wait is for; None: for others, or it is no wait."""
    if wait.kind == "queue.limit":
        return str(wait.attributes.get("resource", SLOTS))
    if wait.kind == "queue.rate":
        return f"rate of {wait.attributes.get('model', '')}"
    if wait.kind == "queue.pool":
        return f"pool of {place_of(trace.named(wait).step)}"
    return _ONLY_WAITED.get(wait.kind)


def _queued_in_steps(trace: Trace) -> dict[str, dict[str, int]]:
    """By resource and step: nanoseconds in which somebody in it waited for it."""
    waits: dict[str, dict[str, list[Interval]]] = {}
    for span in trace.spans:
        name = _name(trace, span)
        if name is not None:
            of_step = waits.setdefault(name, {}).setdefault(trace.named(span).step, [])
            of_step.append((span.start, span.end))
    return {
        name: {step: covered(found) for step, found in steps.items()}
        for name, steps in waits.items()
    }


def _queued_on_path(trace: Trace, walk: Walked) -> dict[str, list[Interval]]:
    """Where the path was another's because what came next on it waited, or waited by itself."""
    found: dict[str, list[Interval]] = {}
    jumped = ((wait, wait.start, woken) for wait, woken in walk.handovers)
    passed = ((span, start, end) for kind, span, start, end in walk.stretches if kind == span.kind)
    for span, start, end in (*jumped, *passed):
        name = _name(trace, span)
        if name is not None:
            found.setdefault(name, []).append((start, end))
    return found


def _arrivals(
    trace: Trace, answerers: Answerers, capacities: dict[str, int]
) -> dict[str, list[Arrival]]:
    names = {_name(trace, span) for span in trace.spans} | capacities.keys()
    found: dict[str, list[Arrival]] = {name: [] for name in names if name is not None}
    for attempt in attempts_of(trace):
        model = answerers.model(attempt.first, attempt.start)
        wanted = _wanted(trace, attempt, model)
        for name in filter(wanted.__contains__, found):
            found[name].append(_arrival(trace, attempt, name))
    for span in trace.spans:
        if span.kind in _ONLY_WAITED:
            found[_ONLY_WAITED[span.kind]].append(Arrival(((span.start, span.end),), None))
    for name, arrival in _leases(trace):
        found[name].append(arrival)
    return {name: arrivals for name, arrivals in found.items() if arrivals}


def _wanted(trace: Trace, attempt: Attempt, model: str) -> set[str | None]:
    """What an attempt needs: what it waited for says it, else who answered."""
    waited = {_name(trace, wait) for wait in attempt.waits}
    if not attempt.phases:
        return waited
    if not any(name and name.startswith(_CONCURRENCY) for name in waited):
        waited.add(f"{_CONCURRENCY}{model}")
    return waited | {SLOTS, f"rate of {model}"}


def _arrival(trace: Trace, attempt: Attempt, name: str) -> Arrival:
    own = [wait for wait in attempt.waits if _name(trace, wait) == name]
    waits = tuple((wait.start, wait.end) for wait in own)
    if name.startswith("rate of ") or not attempt.phases:
        return Arrival(waits, None)
    start = own[-1].end if own else attempt.start
    if not own and name != SLOTS:  # it had this while it waited for a slot of the run
        slots = [wait.start for wait in attempt.waits if _name(trace, wait) == SLOTS]
        start = min([start, *slots])
    return Arrival(waits, (start, attempt.end))


def _leases(trace: Trace) -> Iterator[tuple[str, Arrival]]:
    """Of the branches of each round in which somebody waited for an instance."""
    for each in rounds_of(trace):
        waits = {
            task: [leaf for leaf in trace.leaves[task] if leaf.kind == "queue.pool"]
            for task in each.tasks
        }
        if not any(waits.values()):
            continue
        for task, own in waits.items():
            spans = trace.by_task[task]
            end = max(span.end for span in spans)
            held = any(span.kind != "queue.pool" for span in spans)
            start = own[-1].end if own else spans[0].start
            queued = tuple((wait.start, wait.end) for wait in own)
            yield f"pool of {place_of(each.step)}", Arrival(queued, (start, end) if held else None)
