"""What tunings learnt, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from konseho_cli.bench.learning import Learning
from konseho_cli.core.units import show_duration
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, one_line
from konseho_cli.report.tune import change_percent
from konseho_cli.report.when import ago, iso


def learnings_text(learnings: Sequence[Learning], symbols: Symbols, now: float) -> str:
    """A row each, by council, the newest first; the name, which `forget` takes, is last."""
    rows = [_row(each, now) for each in learnings]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=True))
        .rstrip()
        .replace("→", symbols.arrow)
        for row in rows
    )  # fmt: skip


def learnings_json(learnings: Sequence[Learning]) -> str:
    """All of each; times are seconds, dates UTC."""
    return dump({"konseho": FORMAT, "learnings": [_as_json(each) for each in learnings]})


def forgotten_text(names: Sequence[str]) -> str:
    """What is forgotten, a name a line."""
    return "\n".join(f"forgot {one_line(name)}" for name in names)


def _row(each: Learning, now: float) -> tuple[str, ...]:
    measure = "CPU " if each.measure == "cpu" else ""
    times = f"{measure}{show_duration(each.before_s)} → {show_duration(each.after_s)}"
    percent = change_percent(each.before_s, each.after_s)
    return (
        one_line(each.council),
        one_line(each.change),
        times if each.measure else "",
        percent if each.measure else "",
        " · ".join(_verdict(each)),
        ago(each.made, now),
        one_line(each.name),
    )


def _verdict(each: Learning) -> Iterator[str]:
    yield each.verdict
    if each.why:
        yield one_line(each.why)


def _as_json(each: Learning) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(each)
    return {**document, "made": iso(each.made)}
