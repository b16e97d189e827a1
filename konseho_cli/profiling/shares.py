"""Shares of the critical path, by kind, step, agent and model; each grouping sums to the makespan."""

from __future__ import annotations

from collections.abc import Callable

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.analysis import Share
from konseho_cli.profiling.critical_path import Stretch, Walked
from konseho_cli.profiling.trace import Trace

OURS = "konseho"
_OWN = frozenset({"run", "step", "compute", "context", "serialize", "journal", "cache", "loop_lag"})
_MOST = 3
"""Of the largest pieces, by name."""

Name = Callable[[Stretch], str]
"""What a stretch is counted under."""


def shares(trace: Trace, walk: Walked, name: Name) -> tuple[Share, ...]:
    """The path by one name, the largest first."""
    whole: dict[str, int] = {}
    pieces: dict[str, dict[str, int]] = {}
    for stretch in walk.stretches:
        group, duration = name(stretch), stretch.end - stretch.start
        whole[group] = whole.get(group, 0) + duration
        place = trace.named(stretch.span).place
        if place:
            inner = pieces.setdefault(group, {})
            inner[place] = inner.get(place, 0) + duration
    makespan = sum(whole.values())
    return tuple(
        Share(
            name=group, duration=duration, share=duration / makespan,
            most=_most(pieces.get(group, {})),
        )
        for group, duration in sorted(whole.items(), key=lambda item: -item[1])
    )  # fmt: skip


def by_kind(trace: Trace) -> Name:
    """The kind of the span; what nobody but Konseho itself took is `konseho`."""
    return lambda stretch: OURS if _is_ours(trace, stretch) else stretch.kind


def by_step(trace: Trace) -> Name:
    """The step; our own time outside of any is `konseho`."""
    return lambda stretch: trace.named(stretch.span).step or _rest(trace, stretch)


def by_agent(trace: Trace) -> Name:
    """The agent; our own time in the name of none is `konseho`."""
    return lambda stretch: trace.named(stretch.span).agent or _rest(trace, stretch)


def by_model(trace: Trace, model: Callable[[Stretch], str]) -> Name:
    """The model of the call; our own time outside of any call is `konseho`."""
    return lambda stretch: model(stretch) or _rest(trace, stretch)


def _rest(trace: Trace, stretch: Stretch) -> str:
    return OURS if _is_ours(trace, stretch) else ""


def _is_ours(trace: Trace, stretch: Stretch) -> bool:
    if stretch.kind == "journal":
        return not trace.works(stretch.span)
    return stretch.kind in _OWN


def _most(pieces: dict[str, int]) -> tuple[str, ...]:
    largest = sorted(pieces.items(), key=lambda item: -item[1])[:_MOST]
    return tuple(f"{place} {show_duration(duration / 1e9)}" for place, duration in largest)
