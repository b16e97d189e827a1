"""Swim lanes: the spans of a run in rows, one for each step and agent, and the critical path on them.

A lane whose agent does several things at once has as many rows as it needs. What is drawn is
columns of numbers, since a run has thousands of spans; the page decides what is wide enough to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from konseho_cli.profiling.critical_path import CriticalPath
from konseho_cli.telemetry.spans import WAITS, Span

CLASSES = ("waiting", "first token", "streaming", "konseho", "tools and people")
"""What colours stand for."""
_KINDS = {"connect": 1, "ttft": 1, "stream": 2, "tool": 4, "human": 4}
MOST_SPANS = 60_000
"""Drawn; of more, the longest."""
FEW_LANES = 40
"""Up to so many, lanes stand in the order of their first span; of more, the critical path's lead."""


def class_of(kind: str) -> int:
    """The place in `CLASSES` of a kind of span."""
    return 0 if kind in WAITS else _KINDS.get(kind, 3)


class _Who(NamedTuple):
    step: str
    agent: str
    label: str

    @property
    def lane(self) -> tuple[str, str]:
        return ("agent", self.agent) if self.agent else ("step", self.step)


class _Item(NamedTuple):
    span: Span
    who: _Who
    holder: int
    """Id of the ask or step that it is drawn in."""


def swim_lanes(spans: Sequence[Span], start: int, path: CriticalPath) -> dict[str, Any] | None:
    """What the page draws lanes from; None where no step ran. Times are nanoseconds from `start`."""
    items = list(_items(spans))
    if not items:
        return None
    rows, names = _rows(items, path)
    kept = _longest(items)
    people = _Numbers()
    by_id = {item.span.id: item for item in items}
    columns: dict[str, list[int]] = {
        name: [] for name in ("start", "end", "row", "kind", "who", "waker", "woken")
    }
    kinds = _Numbers()
    for span, who, holder in kept:
        waker = by_id.get(span.waker) if span.waker is not None else None
        columns["start"].append(span.start - start)
        columns["end"].append(span.end - start)
        columns["row"].append(rows[holder])
        columns["kind"].append(kinds.of(span.kind))
        columns["who"].append(people.of(who))
        columns["waker"].append(-1 if waker is None else people.of(waker.who))
        columns["woken"].append(-1 if waker is None else kinds.of(waker.span.kind))
    return {
        **columns,
        "kinds": [{"name": kind, "class": class_of(kind)} for kind in kinds.all],
        "people": [list(who) for who in people.all],
        "classes": CLASSES,
        "lanes": names,
        "path": list(_outlines(items, rows, path, start)),
        "left_out": len(items) - len(kept),
        "length": max(item.span.end for item in items) - start,
    }


class _Numbers:
    """Numbers things as they come."""

    def __init__(self) -> None:
        self._found: dict[Any, int] = {}

    def of(self, thing: Any) -> int:
        return self._found.setdefault(thing, len(self._found))

    @property
    def all(self) -> list[Any]:
        return list(self._found)


def _items(spans: Sequence[Span]) -> Iterator[_Item]:
    """Every span of a step, with whose it is; the run's own are none of anybody's."""
    by_id = {span.id: span for span in spans}
    found: dict[int, tuple[_Who, int]] = {}

    def owner(span: Span) -> tuple[_Who, int]:
        if span.id not in found:
            named, parent = (
                span.attributes,
                by_id.get(span.parent if span.parent is not None else -1),
            )
            if span.kind == "ask" or parent is None:
                who = _Who(*(str(named.get(key, "")) for key in _Who._fields))
                found[span.id] = who, span.id
            elif span.kind == "step":
                found[span.id] = _Who(str(named.get("step", "")), "", ""), span.id
            else:
                found[span.id] = owner(parent)
        return found[span.id]

    for span in sorted(spans, key=lambda span: span.id):  # an ancestor's id is smaller
        who, holder = owner(span)
        if span.end >= span.start and span.kind != "run" and (who.step or who.agent):
            yield _Item(span, who, holder)


def _longest(items: list[_Item]) -> list[_Item]:
    if len(items) <= MOST_SPANS:
        return items
    longest = sorted(items, key=lambda item: item.span.start - item.span.end)[:MOST_SPANS]
    return sorted(longest, key=lambda item: item.span.id)


def _rows(
    items: Sequence[_Item], path: CriticalPath
) -> tuple[dict[int, int], list[dict[str, Any]]]:
    """The row of each holder, and the lanes: name, first row, number of rows, on the path or not."""
    lanes: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for span, who, holder in items:
        if span.id == holder:
            lanes.setdefault(who.lane, []).append((span.start, span.end, span.id))
    on_path = {_Who(part.step, part.agent, "").lane for part in path.segments}
    many = len(lanes) > FEW_LANES
    ordered = sorted(
        lanes, key=lambda lane: (lane[0] != "step", many and lane not in on_path, min(lanes[lane]))
    )
    rows: dict[int, int] = {}
    names: list[dict[str, Any]] = []
    row = 0
    for lane in ordered:
        taken = _pack(lanes[lane])
        rows.update({holder: row + place for holder, place in taken.items()})
        used = max(taken.values()) + 1
        names.append({
            "name": lane[1], "step": lane[0] == "step", "row": row, "rows": used,
            "path": lane in on_path,
        })  # fmt: skip
        row += used
    for _, _, holder in items:
        rows.setdefault(holder, 0)
    return rows, names


def _pack(intervals: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """The lowest free place for each (start, end, id)."""
    places: dict[int, int] = {}
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    for start, end, name in sorted(intervals):
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        place = heappop(free) if free else len(busy)
        heappush(busy, (end, place))
        places[name] = place
    return places


def _outlines(
    items: Sequence[_Item], rows: dict[int, int], path: CriticalPath, start: int
) -> Iterator[list[int]]:
    """`[row, start, end]` of each stretch of the critical path that stays in one row."""
    holders: dict[tuple[str, str, str], list[_Item]] = {}
    for item in items:
        if item.span.id == item.holder:
            holders.setdefault(tuple(item.who), []).append(item)  # type: ignore[arg-type]
    open_: list[int] = []
    for part in path.segments:
        found = holders.get((part.step, part.agent, part.label), ())
        inside = (item for item in found if item.span.start <= part.start < item.span.end)
        found_in = next(inside, None)
        if found_in is None:
            continue
        row = rows[found_in.holder]
        if open_ and open_[0] == row and open_[2] == part.start - start:
            open_[2] = part.end - start
            continue
        if open_:
            yield open_
        open_ = [row, part.start - start, part.end - start]
    if open_:
        yield open_
