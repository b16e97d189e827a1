"""Where the time of a run went, for a terminal: path, steps, queues, rounds, what was late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from konseho_cli.core.units import show_duration, show_percent
from konseho_cli.profiling.time.analysis import Analysis, Leeway, Resource, Share, StepTime
from konseho_cli.profiling.time.step_rows import StepRow, step_rows
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.table import Row, table
from konseho_cli.report.text import cells, fit, one_line, plural

NOTHING = "the end of the run was not recorded, so its time cannot be analysed"
_BAR = 25
"""Columns of the bar of a share."""
_NARROW = 70
"""Columns below which there are no bars."""
_MOST_ROWS = 8
"""Of a table whose rows are as many as calls or rounds."""
_KINDS = {
    "stream": "model stream", "ttft": "model ttft", "connect": "connecting", "ask": "model",
    "journal": "answers given", "backoff": "backing off", "barrier": "waiting: others",
    "queue.limit": "waiting: slot", "queue.rate": "waiting: rate",
    "queue.pool": "waiting: instance", "queue.flight": "waiting: same answer",
    "queue.warm": "waiting: prompt cache", "human": "waiting: a person",
}  # fmt: skip


def analysis_lines(analysis: Analysis, symbols: Symbols, width: int) -> tuple[Line, ...]:
    """All of it, a paragraph each, with an empty line between; see docs/time.md for the figures."""
    if not analysis.path.segments:
        return ((Piece(NOTHING),),)
    blocks = [
        tuple(path_lines(analysis, symbols, width)),
        steps_lines(analysis.steps, symbols, width),
        drag_lines(analysis.leeway, symbols, width),
        resource_lines(analysis.resources, symbols, width),
        straggler_lines(analysis, symbols, width),
        tuple(_remarks(analysis, symbols)),
    ]
    lines: list[Line] = []
    for block in filter(None, blocks):
        if lines:
            lines.append(())
        lines += block
    return tuple(tuple(Piece(symbols.spelt(text), style) for text, style in line) for line in lines)


def kind_words(kind: str) -> str:
    """`waiting: slot` for `queue.limit`."""
    return _KINDS.get(kind, kind)


def path_lines(analysis: Analysis, symbols: Symbols, width: int) -> Iterator[Line]:
    """The critical path by kind, the largest pieces named, and what was waited for beside it."""
    whole = show_duration(analysis.makespan / 1e9)
    yield (Piece("Critical path", "strong"), Piece(f"{GAP}{whole}"))
    names = [kind_words(share.name) for share in analysis.by_kind]
    name_width = max(map(cells, names), default=0)
    for name, share in zip(names, analysis.by_kind, strict=True):
        bar = f"{_bar(share, symbols)}{GAP}" if width >= _NARROW else ""
        figures = f"{_time(share.duration):>8}{GAP}{show_percent(share.share):>5}"
        line = f"{GAP}{name.ljust(name_width)}{GAP}{bar}{figures}"
        most = f" {symbols.dot} ".join(map(one_line, share.most))
        yield (Piece(line), Piece(fit(f"{GAP}{most}", max(0, width - cells(line)), symbols), "dim"))
    for one in analysis.resources:
        if one.queued_on_path and one.name != "backoff" and not one.name.startswith("rate of "):
            what = f"{_time(one.queued_on_path)} of it while what came next waited for"
            yield (Piece(f"{GAP}{what} {_held(one)}", "accent"),)


def _bar(share: Share, symbols: Symbols) -> str:
    filled = round(share.share * _BAR)
    return symbols.full * filled + symbols.light * (_BAR - filled)


def _held(one: Resource) -> str:
    return one.name if one.capacity is None else f"{one.name} ({one.capacity:,})"


def steps_lines(steps: Sequence[StepTime], symbols: Symbols, width: int) -> tuple[Line, ...]:
    """A row a step."""
    rows: list[Row] = [("Steps", "", "time", "on path", "working", "konseho", "waiting")]
    all_rows = step_rows(steps)
    for row in _some(all_rows):
        step = row.time
        waits = sorted(step.waiting.items(), key=lambda item: -item[1])
        name = f"{GAP * (row.depth + 1)}{row.text}"
        rows.append((
            name, step.kind, _time(step.duration), _time(step.on_path),
            _time(step.working), _time(step.overhead),
            ", ".join(f"{_time(time)} {_short(kind)}" for kind, time in waits if time),
        ))  # fmt: skip
    return (
        *_table(rows, symbols, width, {0, 1, 6}),
        *_more(len(all_rows) - len(rows) + 1, symbols),
    )


def _short(kind: str) -> str:
    words = kind_words(kind)
    thing = words.partition("waiting: ")[2]
    if not thing:
        return words
    return f"for {'the' if ' ' in thing else 'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def drag_lines(leeway: Sequence[Leeway], symbols: Symbols, width: int) -> tuple[Line, ...]:
    """The calls that lengthen the run most."""
    found = [one for one in leeway if one.drag]
    rows: list[Row] = [("Calls by drag", "drag", "took")]
    rows += [
        (f"{GAP}{_place(one.step, one.label, one.agent)}", _time(one.drag), _time(one.duration))
        for one in found[:_MOST_ROWS]
    ]
    return (*_table(rows, symbols, width, {0}), *_more(len(found) - _MOST_ROWS, symbols))


def resource_lines(resources: Sequence[Resource], symbols: Symbols, width: int) -> tuple[Line, ...]:
    """What was waited for; whether it was held or waited for, and how much would do."""
    rows: list[Row] = [
        ("Queues", "size", "in use", "enough", "waited", "mean wait", "mean service", "in queue")
    ]
    for one in resources:
        if one.waited:
            holds = one.service > 0
            rows.append((
                f"{GAP}{one.name}", _number(one.capacity), f"{one.in_use:.1f}" if holds else "",
                _number(one.suggested), f"{one.waited:,} of {one.arrivals:,}",
                show_duration(one.mean_wait / 1e9),
                show_duration(one.service / 1e9) if holds else "", f"{one.in_queue:.1f}",
            ))  # fmt: skip
    return _table(rows, symbols, width, {0})


def straggler_lines(analysis: Analysis, symbols: Symbols, width: int) -> tuple[Line, ...]:
    """The rounds whose last answer cost most, and what stopping votes early does."""
    found = [one for one in analysis.stragglers if one.cost]
    rows: list[Row] = [("Last answers", "round", "after the others", "after a majority")]
    rows += [
        (f"{GAP}{_place(one.step, one.label, one.agent)}", _time(one.last), _time(one.cost),
         _time(one.quorum_cost) if one.quorum_cost else "")
        for one in found[:_MOST_ROWS]
    ]  # fmt: skip
    return (*_table(rows, symbols, width, {0}), *_more(len(found) - _MOST_ROWS, symbols))


def _remarks(analysis: Analysis, symbols: Symbols) -> Iterator[Line]:
    for stop in analysis.early_stops:
        if stop.saved:
            did = "saved at least" if stop.stopped else "would have saved"
            yield (Piece(f"{stop.step}: `early_stop` {did} {_time(stop.saved)}"),)
    parts = [f"konseho {_time(round(analysis.call_overhead))} a call"]
    lag = analysis.lag
    if lag.count:
        where = f" in {lag.worst_step}" if lag.worst_step else ""
        parts.append(
            f"loop lag {_time(lag.p50)} (p50), {_time(lag.p99)} (p99), {_time(lag.worst)} at worst{where}"
        )
    if analysis.efficiency is not None:
        parts.append(f"{show_percent(analysis.efficiency)} of the capacity in use")
    yield (Piece(f" {symbols.dot} ".join(parts)),)


def _some(rows: Sequence[StepRow]) -> list[StepRow]:
    """Of very many those with most of the critical path, in their order."""
    most = 2 * _MOST_ROWS
    kept = {one.time.step for one in sorted(rows, key=lambda row: -row.time.on_path)[:most]}
    return [one for one in rows if one.time.step in kept]


def _table(
    rows: Sequence[Row], symbols: Symbols, width: int, words: Iterable[int]
) -> tuple[Line, ...]:
    return table(rows, symbols, width, words=frozenset(words)) if len(rows) > 1 else ()


def _more(count: int, symbols: Symbols) -> tuple[Line, ...]:
    if count <= 0:
        return ()
    return ((Piece(f"{GAP}{symbols.ellipsis} {plural(count, 'row')} more", "dim"),),)


def _place(step: str, label: str, agent: str) -> str:
    return f"{step}{f' {label}' if label else ''}/{agent}"


def _time(duration: int) -> str:
    return show_duration(duration / 1e9) if duration else "0"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
