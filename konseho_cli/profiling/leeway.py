"""Slack and drag of every call, on the graph of what the run recorded.

Drag (Devaux, Total Project Control): by how much the run would be shorter if a call's own time, in
which its models worked or it backed off, were nothing. The longest path of the graph is found again
without it. A path either leaves out all that happened while the call worked, which one sweep over
all arcs tells for all calls, or goes through a moment of that while, and only these are computed
anew. Calls of the path work one after another, so all of it is near linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from konseho_cli.profiling.analysis import Leeway
from konseho_cli.profiling.critical_path import Walked
from konseho_cli.profiling.graph import NEVER, Graph, ends
from konseho_cli.profiling.intervals import Interval, covered
from konseho_cli.profiling.trace import Trace
from konseho_cli.telemetry.spans import WAITS, Span

While = tuple[int, int]
"""The first and the last moment of a call's own time, by their numbers in the graph."""


def leeway_of(trace: Trace, walk: Walked) -> tuple[Leeway, ...]:
    """Every call, the largest drag first, then the smallest slack."""
    asks = [span for span in trace.spans if span.kind == "ask"]
    if trace.run is None or not asks:
        return ()
    graph = Graph(trace)
    whiles = _whiles(graph)
    on_path = _on_path(trace, walk)
    drags = _drags(graph, {ask: span for ask, span in whiles.items() if ask in on_path})
    waits = _waits(trace)
    found = [
        _leeway(trace, graph, ask, whiles.get(ask.id), drags.get(ask.id, 0), waits.get(ask.id, ()))
        for ask in asks
    ]
    found.sort(key=lambda one: (-one.drag, one.slack))
    return tuple(found)


def _waits(trace: Trace) -> dict[int, list[Interval]]:
    """By the ask's id."""
    found: dict[int, list[Interval]] = {}
    for span in trace.spans:
        if span.kind in WAITS:
            ask = trace.named(span).ask
            if ask is not None:
                found.setdefault(ask.id, []).append((span.start, span.end))
    return found


def _leeway(
    trace: Trace,
    graph: Graph,
    ask: Span,
    own: While | None,
    drag: int,
    waits: Iterable[Interval],
) -> Leeway:
    step, agent, label, _ = trace.named(ask)
    last = graph.place[ends(ask)] if own is None else own[1]
    return Leeway(
        step=step, agent=agent, label=label, duration=ask.end - ask.start, waited=covered(waits),
        slack=_slack(graph, last), drag=drag,
    )  # fmt: skip


def _slack(graph: Graph, moment: int) -> int:
    """What nobody waits for has until the end of the run."""
    left = graph.times[graph.sink] - graph.times[moment]
    rest = graph.rest[moment]
    return max(0, left if rest == NEVER else left - rest)


def _whiles(graph: Graph) -> dict[int, While]:
    """By the ask's id."""
    found: dict[int, While] = {}
    for arcs in graph.into:
        for source, target, _, owner in arcs:
            if owner >= 0:
                first, last = found.get(owner, (source, target))
                found[owner] = (min(first, source), max(last, target))
    return found


def _on_path(trace: Trace, walk: Walked) -> set[int]:
    asks = (trace.named(stretch.span).ask for stretch in walk.stretches)
    return {ask.id for ask in asks if ask is not None}


def _drags(graph: Graph, whiles: Mapping[int, While]) -> dict[int, int]:
    around = _longest_around(graph, whiles)
    whole = graph.times[graph.sink]
    return {
        ask: whole - max(around[ask], _longest_through(graph, ask, own))
        for ask, own in whiles.items()
    }


def _longest_through(graph: Graph, ask: int, own: While) -> int:
    """When the run ends at the earliest, by paths through the while, with the call at no time."""
    first, last = own
    times, rest, longest = graph.times, graph.rest, NEVER
    anew: dict[int, int] = {}
    for moment in range(first + 1, last + 1):
        at = NEVER
        for source, _, weight, owner in graph.into[moment]:
            before = anew[source] if source > first else times[source]
            at = max(at, before if owner == ask else before + weight)
        anew[moment] = at if at != NEVER else times[moment]
        if moment == graph.sink:
            return max(longest, anew[moment])
        for _, target, weight, _ in graph.out[moment]:
            if target > last and rest[target] != NEVER:
                longest = max(longest, anew[moment] + weight + rest[target])
    return longest


def _longest_around(graph: Graph, whiles: Mapping[int, While]) -> dict[int, int]:
    """The same by arcs that go past the whole of the while, for each call."""
    sweep = _Highest(len(graph.times))
    arcs, reached = graph.out, 0
    found: dict[int, int] = {}
    for ask, (first, last) in sorted(whiles.items(), key=lambda item: item[1]):
        for number in range(reached, first + 1):
            for _, target, weight, _ in arcs[number]:
                if target > number + 1 and graph.rest[target] != NEVER:
                    sweep.raise_to(target, graph.times[number] + weight + graph.rest[target])
        reached = max(reached, first + 1)
        found[ask] = sweep.above(last)
    return found


class _Highest:
    """The highest of the values beyond a place, while values are added (Fenwick 1994)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tree = [NEVER] * (size + 1)

    def raise_to(self, place: int, value: int) -> None:
        """Add a value at a place."""
        for number in self._up(self._size - place):
            if self._tree[number] < value:
                self._tree[number] = value

    def above(self, place: int) -> int:
        """The highest of all places beyond this one, or NEVER."""
        return max((self._tree[number] for number in _down(self._size - place - 1)), default=NEVER)

    def _up(self, number: int) -> Iterable[int]:
        while number <= self._size:
            yield number
            number += number & -number


def _down(number: int) -> Iterator[int]:
    while number > 0:
        yield number
        number -= number & -number
