"""Lanes: what each agent did when, and where the critical path ran through it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.time.critical_path import Walked, walked
from konseho_cli.profiling.time.intervals import Interval, union
from konseho_cli.profiling.time.trace import Trace
from konseho_cli.telemetry.spans import WAITS

State: TypeAlias = Literal["stream", "ttft", "waiting"]
"""`stream`: an answer comes, or somebody works who tells no phases; `ttft`: it has not begun."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. All times are nanoseconds since the run began."""

    agent: str
    states: Mapping[State, tuple[Interval, ...]]
    """Each a union: calls of one agent may overlap."""
    on_path: tuple[Interval, ...]


class Lanes(msgspec.Struct, frozen=True, kw_only=True):
    """The lanes that matter most, in the order in which they begin."""

    makespan: int
    lanes: tuple[Lane, ...]
    more: int
    """Agents that are left out."""
    steps: tuple[tuple[str, int], ...]
    """Each step of the council that began, and when; not those that others hold."""


def lanes_of(outcome: RunOutcome, most: int) -> Lanes:
    """At most so many: who had most of the critical path, then who was busiest."""
    trace = Trace(outcome.spans)
    if trace.run is None:
        return Lanes(makespan=0, lanes=(), more=0, steps=())
    origin = trace.run.start
    states = _states(trace, origin)
    path = _path(trace, walked(trace), origin)
    weights = {
        agent: (_length(path.get(agent, [])), _busy(found)) for agent, found in states.items()
    }
    first = sorted(weights, key=lambda agent: weights[agent], reverse=True)[:most]
    chosen = [
        Lane(
            agent=agent,
            states={state: tuple(union(found)) for state, found in states[agent].items()},
            on_path=tuple(union(path.get(agent, ()))),
        )
        for agent in first
    ]
    chosen.sort(key=lambda lane: min(start for found in lane.states.values() for start, _ in found))
    steps = [
        span for span in trace.spans if span.kind == "step" and "." not in span.attributes["step"]
    ]
    return Lanes(
        makespan=trace.run.end - origin, lanes=tuple(chosen), more=len(weights) - len(chosen),
        steps=tuple((span.attributes["step"], span.start - origin) for span in steps),
    )  # fmt: skip


def _states(trace: Trace, origin: int) -> dict[str, dict[State, list[Interval]]]:
    found: dict[str, dict[State, list[Interval]]] = {}
    for span in trace.spans:
        agent = trace.named(span).agent
        state: State
        if not agent or span.end == span.start:
            continue
        if span.kind in WAITS:
            state = "waiting"
        elif trace.works(span):
            state = "ttft" if span.kind in ("connect", "ttft") else "stream"
        else:
            continue
        times = (span.start - origin, span.end - origin)
        found.setdefault(agent, {}).setdefault(state, []).append(times)
    return found


def _path(trace: Trace, walk: Walked, origin: int) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = {}
    for _, span, start, end in walk.stretches:
        agent = trace.named(span).agent
        if agent:
            found.setdefault(agent, []).append((start - origin, end - origin))
    return found


def _busy(states: Mapping[State, list[Interval]]) -> int:
    return sum(_length(found) for state, found in states.items() if state != "waiting")


def _length(intervals: list[Interval]) -> int:
    return sum(end - start for start, end in intervals)
