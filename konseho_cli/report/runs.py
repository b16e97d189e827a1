"""The runs that are kept, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line, plural
from konseho_cli.report.when import ago, iso
from konseho_cli.store.base import RunRow
from konseho_cli.store.standing import Standing

Listed = tuple[RunRow, Standing]
"""A run, and how it stands with it."""
_LEAST_TASK, _SHORT_TASK = 24, 8
"""Columns of a task, below which figures make way for it; and its age, without which none is shown."""
_MOST_NAME = 24
_GAP = "  "
_RIGHT = {"calls", "tokens", "cost", "time"}
_COLUMNS = ("id", "when", "council", "status", "time", "calls", "tokens", "cost")
_FIRST_TO_GO = ("tokens", "calls", "time", "cost")

NONE = "no run is kept yet: `konseho run` keeps every run that it makes"
NONE_SUCH = "no run that is kept is like that"


def runs_text(runs: Sequence[Listed], symbols: Symbols, width: int, now: float) -> str:
    """A line for each, none wider than `width` where that can be. `now`: seconds since the epoch."""
    rows = [_cells(row, state, symbols, now) for row, state in runs]
    widths = {name: max((cells(row[name]) for row in rows), default=0) for name in _COLUMNS}
    shown = [name for name in _COLUMNS if widths[name]]
    longest = max((cells(row["task"]) for row in rows), default=0)
    going = [(name, min(_LEAST_TASK, longest)) for name in _FIRST_TO_GO]
    for name, task in (*going, ("when", min(_SHORT_TASK, longest)), ("council", -len(_GAP))):
        if _taken(shown, widths) + task <= width:
            break
        shown = [each for each in shown if each != name]
    room = width - _taken(shown, widths)
    return "\n".join(_line(row, shown, widths, room, symbols) for row in rows)


def runs_json(runs: Sequence[Listed]) -> str:
    """All that is known of each without its answers; costs are dollars."""
    return dump({"konseho": FORMAT, "runs": [run_document(row, state) for row, state in runs]})


def run_document(row: RunRow, state: Standing) -> dict[str, Any]:
    """One run as plain values."""
    began, ended = row.began, row.ended
    return {
        "run": began.run,
        "council": began.council,
        "file": began.file or None,
        "task": began.task,
        "status": state,
        "exit_status": None if ended is None else ended.exit_status,
        "error": ended.error or None if ended is not None else None,
        "started": iso(began.started),
        "ended": None if ended is None else iso(ended.ended),
        "duration_s": None if ended is None else ended.duration / 1e9,
        "sessions": row.sessions,
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost": None if row.unpriced else float(row.cost),
        "known_cost": float(row.cost),
        "unpriced_calls": row.unpriced,
        "models": list(began.models),
        "simulated": began.simulated,
        "process": began.process or None,
        "version": began.version,
    }


def removed_text(rows: Sequence[RunRow], now: float, *, dry_run: bool) -> str:
    """What went, or would go."""
    lines = [
        f"{_GAP}{row.began.run}{_GAP}{ago(row.began.started, now)}{_GAP}{one_line(row.began.council)}"
        for row in rows
    ]
    verb = "would remove" if dry_run else "removed"
    return "\n".join((f"{verb} {plural(len(rows), 'run')}", *lines))


def removed_json(rows: Sequence[RunRow], *, dry_run: bool) -> str:
    """The same."""
    gone = [row.began.run for row in rows]
    return dump({"konseho": FORMAT, "dry_run": dry_run, "removed": gone})


def state_words(state: Standing, symbols: Symbols) -> str:
    """`▲ degraded`, `✖ cut off`."""
    sign = symbols.failed if state == "cut-off" else symbols.of(state)
    return f"{sign} {state.replace('-', ' ')}"


def _cells(row: RunRow, state: Standing, symbols: Symbols, now: float) -> dict[str, str]:
    began = row.began
    return {
        "id": began.run,
        "when": ago(began.started, now),
        "council": fit(one_line(began.council), _MOST_NAME, symbols),
        "status": _status(row, state, symbols),
        "time": _time(row, state, now),
        "calls": plural(row.calls, "call") if row.calls else "",
        "tokens": _tokens(row),
        "cost": _cost(row),
        "task": one_line(began.task),
    }


def _status(row: RunRow, state: Standing, symbols: Symbols) -> str:
    """A run that came to its end may have ended with status 1: a gate, a target, `--strict`."""
    if state in ("ok", "degraded") and row.ended is not None and row.ended.exit_status:
        return f"{symbols.failed} {state}, status {row.ended.exit_status}"
    return state_words(state, symbols)


def _time(row: RunRow, state: Standing, now: float) -> str:
    if row.ended is not None:
        return show_duration(row.ended.duration / 1e9)
    return (
        f"{show_duration(max(1.0, now - row.began.started))} so far" if state == "running" else ""
    )


def _tokens(row: RunRow) -> str:
    total = row.input_tokens + row.output_tokens
    return f"{show_count(total)} tok" if total else ""


def _cost(row: RunRow) -> str:
    if not row.cost:
        return "$?" if row.unpriced else ""
    return show_money(row.cost) + ("+" if row.unpriced else "")


def _taken(shown: Sequence[str], widths: dict[str, int]) -> int:
    return sum(widths[name] + len(_GAP) for name in shown)


def _line(
    row: dict[str, str], shown: Sequence[str], widths: dict[str, int], room: int, symbols: Symbols
) -> str:
    texts = []
    for name in shown:
        space = " " * (widths[name] - cells(row[name]))
        texts.append(space + row[name] if name in _RIGHT else row[name] + space)
    if room >= min(_SHORT_TASK, cells(row["task"])):
        texts.append(fit(row["task"], room, symbols))
    return _GAP.join(texts).rstrip()
