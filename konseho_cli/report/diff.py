"""Two runs beside each other, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.models.base import place_of
from konseho_cli.profiling.explaining.comparison import Comparison, Side, StepComparison, StepSide
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, encodable, fit, listed, one_line
from konseho_cli.report.when import ago, iso
from konseho_cli.version import __version__

Q = TypeVar("Q", int, float, Decimal)
Row = tuple[str, ...]
_UNKNOWN = "?"
_MOST_INSIDE = 12
"""Steps inside of others whose runs differ; where there are more, --json has them."""
MOST_LINES = 60
"""Of the difference between two councils, or between what was given; answers are whole."""


def comparison_json(comparison: Comparison) -> str:
    """All of it; costs are dollars, diffs lists of lines."""
    document: dict[str, Any] = msgspec.to_builtins(comparison, builtin_types=(Decimal,))
    for side in (document["before"], document["after"]):
        side["started"] = iso(side["started"])
    return dump({"konseho": FORMAT, "version": __version__, **_plain(document)})


def comparison_text(comparison: Comparison, symbols: Symbols, width: int, now: float) -> str:
    """Figures, steps, and what differs in words; the answers last."""
    blocks = [
        _table(list(_figures(comparison, symbols, now)), symbols, width),
        _table(list(_steps(comparison.steps, symbols)), symbols, width),
        _titled("council", comparison.council),
        _titled("task, inputs and wishes", comparison.given),
        _answers(comparison),
    ]
    return "\n\n".join(block for block in blocks if block)


def _figures(comparison: Comparison, symbols: Symbols, now: float) -> Iterator[Row]:
    one, other = comparison.before, comparison.after
    yield "", one.run, other.run, ""
    yield "council", one.council, other.council, ""
    yield "began", ago(one.started, now), ago(other.started, now), ""
    yield "status", _status(one, symbols), _status(other, symbols), ""
    yield _row("time", one.duration_s, other.duration_s, show_duration)
    yield _row("calls", one.calls, other.calls, lambda count: f"{count:,}")
    yield _row("tokens", one.tokens, other.tokens, show_count)
    yield _row("cost", one.cost, other.cost, show_money)
    yield "models", listed(one.models, 2), listed(other.models, 2), ""


def _status(side: Side, symbols: Symbols) -> str:
    simulated = ", simulated" if side.simulated else ""
    return f"{symbols.of(side.status)} {side.status}{simulated}"


def _steps(steps: Sequence[StepComparison], symbols: Symbols) -> Iterator[Row]:
    """A line a step: what differs between its two runs; of those inside of others if it does."""
    inside = [step for step in steps if "." in step.id and not _is_alike(step)]
    left_out = {step.id for step in inside[_MOST_INSIDE:]}
    shown = {step.id for step in inside} - left_out
    for step in steps:
        if "." in step.id and step.id not in shown:
            continue
        if step.before is None or step.after is None:
            only = "only in the first" if step.after is None else "only in the second"
            yield f"{_gap(step)}{step.id}", only, "", "", ""
            continue
        yield (
            f"{_gap(step)}{step.id}",
            _both(f"{symbols.of(step.before.status)} {step.before.status}",
                  f"{symbols.of(step.after.status)} {step.after.status}", symbols),
            _took(step.before, step.after, symbols),
            _spent(step.before, step.after, symbols),
            _output(step, symbols),
        )  # fmt: skip


def _gap(step: StepComparison) -> str:
    return "  " * (1 + place_of(step.id).count("."))


def _is_alike(step: StepComparison) -> bool:
    both = step.before is not None and step.after is not None
    return both and step.same_output and step.before.status == step.after.status  # type: ignore[union-attr]


def _took(before: StepSide, after: StepSide, symbols: Symbols) -> str:
    times = [
        "" if side.duration_s is None else show_duration(side.duration_s)
        for side in (before, after)
    ]
    return _both(times[0], times[1], symbols)


def _spent(before: StepSide, after: StepSide, symbols: Symbols) -> str:
    tokens = [f"{show_count(side.tokens)} tok" for side in (before, after)]
    return _both(tokens[0], tokens[1], symbols)


def _both(before: str, after: str, symbols: Symbols) -> str:
    if before == after:
        return before
    return f"{before or _UNKNOWN} {symbols.arrow} {after or _UNKNOWN}"


def _output(step: StepComparison, symbols: Symbols) -> str:
    if step.same_output:
        return "same output"
    if step.decided is not None:
        return f"winner {step.decided[0]} {symbols.arrow} {step.decided[1]}"
    return "other output" if step.alike is None else f"output {step.alike * 100:.0f} % alike"


def _answers(comparison: Comparison) -> str:
    if comparison.same_answer:
        return "The answers are the same."
    if not comparison.answer:
        return "The answers differ in kind alone."
    differ = [step.id for step in comparison.steps if not step.same_output]
    first = differ[0] if differ else None
    first = next((one for one in differ if one.startswith(f"{first}.")), first)
    where = f"; the first output that does is that of {first}" if first is not None else ""
    return f"The answers differ{where}.\n\n{encodable(chr(10).join(comparison.answer))}"


def _titled(title: str, lines: Sequence[str]) -> str:
    """A difference under its name; of a long one the beginning."""
    more = len(lines) - MOST_LINES
    rest = [f"({more:,} lines more: see --json)"] if more > 0 else []
    return encodable("\n".join((title, *lines[:MOST_LINES], *rest))) if lines else ""


def _row(name: str, before: Q | None, after: Q | None, show: Callable[[Q], str]) -> Row:
    shown = [_UNKNOWN if value is None else show(value) for value in (before, after)]
    share = ""
    if before and after is not None and before != after:
        percent = float(after / before - 1) * 100
        share = (
            f"{percent:+.0f} %".replace("-", "−")
            if abs(percent) < 1000
            else f"× {after / before:.0f}"
        )
    return name, shown[0], shown[1], share


def _table(rows: Sequence[Row], symbols: Symbols, width: int) -> str:
    """Columns side by side; the widest is cut where the line would be too long."""
    if not rows:
        return ""
    rows = [
        tuple(text if not place else one_line(text) for place, text in enumerate(row))
        for row in rows
    ]
    widths = [max(cells(row[place]) for row in rows) for place in range(len(rows[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for row in rows:
        texts = [fit(text, room, symbols) for text, room in zip(row, widths, strict=True)]
        padded = [
            text + " " * (room - cells(text)) for text, room in zip(texts, widths, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Decimals as numbers."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value
