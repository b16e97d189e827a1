"""What-ifs as text and as JSON: a row a change, and a sweep with its bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.core.units import show_duration, show_money
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.whatif.sweep import Sweep
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import ASCII, Symbols
from konseho_cli.report.text import cells, one_line, plural

MOST_STOPS = 6
BAR = 32
"""Columns of the longest bar."""
_LEFT_OUT = "virtual time leaves CPU and loop lag out"
_EARLY = {
    "interrupted": "Interrupted", "unfinished": "Unfinished, its last call ended",
    "failed": "It failed", "limit": "It reached a limit",
}  # fmt: skip
"""What became of a run that did not come to its end."""
_HELD = "Answers are held fixed: this predicts time and cost, never what would have been said."


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all what-ifs of one run."""

    run: str
    council: str
    simulated: bool
    calls: int
    recorded_s: float
    unchanged: Prediction
    status: str = "ok"
    """Of the run; `unfinished` where it has no end."""


def whatif_text(told: Told, rows: Sequence[Prediction], symbols: Symbols) -> str:
    """A row for the run as it was, then one a change, with its new critical path below."""
    unchanged = told.unchanged
    lines = [*_head(told, symbols), ""]
    table: list[tuple[str, ...]] = [("", "makespan", "change", "cost", "guessed")]
    table += [_row(each, unchanged, symbols) for each in (unchanged, *rows)]
    first, *others = _aligned(table)
    lines.append(first)
    for line, each in zip(others, (unchanged, *rows), strict=True):
        lines.append(line)
        lines += [f"  {remark}" for remark in _remarks(each, unchanged, symbols)]
    if not rows:
        lines += ["", "None of the changes that were tried would save 1 % of it."]
    return "\n".join([*lines, "", *_foot((unchanged, *rows))])


def sweep_text(told: Told, sweep: Sweep, symbols: Symbols) -> str:
    """A bar a value, or why it fails, and the knee."""
    whole = [place for place in range(len(sweep.values)) if not sweep.fails(place)]
    longest = max((sweep.predictions[place].after_s for place in whole), default=0.0)
    table: list[tuple[str, ...]] = [(sweep.what, "makespan", "change", "cost", "guessed")]
    table += [
        (value, *_row(each, sweep.unchanged, symbols)[1:])
        for value, each in zip(sweep.values, sweep.predictions, strict=True)
    ]
    head, *rows = _aligned(table)
    lines = [*_head(told, symbols), "", head]
    for place, (row, each) in enumerate(zip(rows, sweep.predictions, strict=True)):
        mark = f" {symbols.arrow} knee" if place == sweep.knee else ""
        shown = _bar(each.after_s, longest, symbols) if place in whole else _why(each, symbols)
        lines.append(f"{row}{' ' * (cells(head) - cells(row))}  {shown}{mark}")
    return "\n".join([*lines, "", *_knee(sweep), *_foot(sweep.predictions)])


def _head(told: Told, symbols: Symbols) -> Iterator[str]:
    dot = f" {symbols.dot} "
    simulated = ("simulated",) if told.simulated else ()
    yield dot.join(
        (f"What if{dot}{one_line(told.council)}", f"run {told.run}", *simulated,
         plural(told.calls, "call"))
    )  # fmt: skip
    replayed = told.unchanged.after_s
    yield (
        f"Recorded {_time(told.recorded_s)}, replayed unchanged "
        f"{_time(replayed)}: {_distance(told.recorded_s, replayed)} ({_LEFT_OUT})"
    )
    if told.status in _EARLY:
        yield f"{_EARLY[told.status]} after {_time(told.recorded_s)}: what came after it is guessed"


def _distance(recorded_s: float, replayed_s: float) -> str:
    if not recorded_s:
        return "the same"
    apart = replayed_s / recorded_s - 1
    if abs(apart) < 0.0005:
        return "less than 0.1 % apart"
    return f"{abs(apart) * 100:.1f} % {'less' if apart < 0 else 'more'}"


def _row(each: Prediction, unchanged: Prediction, symbols: Symbols) -> tuple[str, ...]:
    about = ("≈ " if symbols is not ASCII else "~ ") if each.approximate else ""
    change = _change(each, symbols) if each.options and each.before_s else ""
    change = "fails" if each.fails(unchanged) else change
    cost = "unknown" if each.cost is None else show_money(each.cost)
    guessed = f"{each.guessed:,} of {each.calls:,}" if each.guessed else symbols.skipped
    return one_line(each.change), f"{about}{_time(each.after_s)}", change, cost, guessed


def _change(each: Prediction, symbols: Symbols) -> str:
    """`−17 %`, `+8 %`; from ten times on `× 12`."""
    ratio = each.after_s / each.before_s
    if ratio >= 10:
        return f"{'x' if symbols is ASCII else '×'} {ratio:,.0f}"
    percent = round((ratio - 1) * 100)
    return f"{percent:+} %".replace("-", _minus(symbols)) if percent else "0 %"


def _time(seconds: float) -> str:
    """With a figure more than elsewhere: what is compared differs by little."""
    return f"{seconds:.2f} s" if 0.9995 <= seconds < 59.995 else show_duration(seconds)


def _minus(symbols: Symbols) -> str:
    return "-" if symbols is ASCII else "−"


def _aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    """The first column to the left, figures to the right."""
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            text + " " * (width - cells(text)) if place == 0 else " " * (width - cells(text)) + text
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _remarks(each: Prediction, unchanged: Prediction, symbols: Symbols) -> Iterator[str]:
    if each.limit_reached:
        yield _why(each, symbols)
    if each is unchanged or each.path != unchanged.path:
        yield f"critical path: {_path(each.path, symbols)}"


def _why(each: Prediction, symbols: Symbols) -> str:
    return f"{symbols.failed} it ends early: {one_line(each.limit_reached)}"


def _path(path: Sequence[str], symbols: Symbols) -> str:
    stops = tuple(map(one_line, path))
    if len(stops) > MOST_STOPS:
        half = MOST_STOPS // 2
        left = len(stops) - MOST_STOPS
        stops = (*stops[:half], f"{symbols.ellipsis} {left} more", *stops[-half:])
    return f" {symbols.arrow} ".join(stops) or "nothing but Konseho itself"


def _bar(seconds: float, longest: float, symbols: Symbols) -> str:
    return symbols.bar * max(1, round(BAR * seconds / longest)) if longest else ""


def _knee(sweep: Sweep) -> Iterator[str]:
    place = sweep.knee
    if place is not None:
        yield (
            f"Knee within this sweep: {sweep.what} {sweep.values[place]}, "
            f"{_time(sweep.predictions[place].after_s)}. "
            "What lies beyond it saves less than 5 %."
        )
    elif sweep.course == "falls":
        yield f"No knee within this sweep: it still falls at {sweep.what} {sweep.last}, its end."
    elif sweep.course == "flat":
        yield f"{sweep.what} makes next to no difference within this sweep."


def _foot(rows: Sequence[Prediction]) -> Iterator[str]:
    yield _HELD
    if any(each.guessed for each in rows):
        yield (
            "Guessed: calls that the run did not make or cut short, which take their agent's "
            "median, and answers that would no longer fit."
        )


# -------------------------------------------------------------------------------------------- JSON


def whatif_json(told: Told, rows: Sequence[Prediction]) -> str:
    """All of it; times are seconds, costs dollars."""
    return dump({**_document(told), "predictions": [_prediction(each) for each in rows]})


def sweep_json(told: Told, sweep: Sweep) -> str:
    """All of it; `knee` is one of the values, or null."""
    points = [
        {"value": value, "fails": each.fails(sweep.unchanged), **_prediction(each)}
        for value, each in zip(sweep.values, sweep.predictions, strict=True)
    ]
    knee = None if sweep.knee is None else sweep.values[sweep.knee]
    return dump({**_document(told), "sweep": {"what": sweep.what, "knee": knee, "points": points}})


def _document(told: Told) -> dict[str, Any]:
    return {
        "konseho": FORMAT,
        "run": told.run,
        "council": told.council,
        "simulated": told.simulated,
        "status": told.status,
        "recorded_s": told.recorded_s,
        "unchanged": _prediction(told.unchanged),
    }


def _prediction(each: Prediction) -> dict[str, Any]:
    return {
        "change": each.change,
        "options": list(each.options),
        "before_s": each.before_s,
        "after_s": each.after_s,
        "saved_s": each.saved_s,
        "cost": _dollars(each.cost),
        "calls": each.calls,
        "guessed": each.guessed,
        "approximate": each.approximate,
        "critical_path": list(each.path),
        "limit_reached": each.limit_reached or None,
    }


def _dollars(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)
