"""The store itself, as text and as JSON: how it is, and what was given back."""

from __future__ import annotations

from pathlib import Path

from konseho_cli.core.units import show_size
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.text import one_line, plural
from konseho_cli.store.upkeep import MOST_PROBLEMS, Health, TableSize, Vacuumed


def health_text(health: Health, place: Path) -> str:
    """Its tables, and what is wrong with it."""
    room = f", {show_size(health.unused)} unused" if health.unused else ""
    names = max(len(table.name) for table in health.tables)
    counts = max(len(_rows(table)) for table in health.tables)
    lines = [
        f"file     {one_line(str(place))}",
        f"size     {show_size(health.size)}{room}",
        f"version  {health.version}",
        *(
            f"  {table.name:{names}}  {_rows(table):>{counts}}"
            + ("" if table.size is None else f"  {show_size(table.size):>9}")
            for table in health.tables
        ),
    ]
    if not health.problems:
        return "\n".join((*lines, "all is well"))
    more = " or more" if len(health.problems) == MOST_PROBLEMS else ""
    told = (f"  {one_line(problem)}" for problem in health.problems)
    return "\n".join((*lines, f"{plural(len(health.problems), 'problem')}{more}", *told))


def health_json(health: Health, place: Path) -> str:
    """The same; sizes are bytes."""
    return dump(
        {
            "konseho": FORMAT,
            "file": str(place),
            "version": health.version,
            "bytes": health.size,
            "unused_bytes": health.unused,
            "tables": {
                table.name: {"rows": table.rows, "bytes": table.size} for table in health.tables
            },
            "ok": not health.problems,
            "problems": list(health.problems),
        }
    )


def vacuumed_text(done: Vacuumed) -> str:
    """How much was given back."""
    gone = max(0, done.before - done.after)
    return (
        f"gave back {show_size(gone)}: {show_size(done.before)} before, {show_size(done.after)} now"
    )


def vacuumed_json(done: Vacuumed) -> str:
    """The same, in bytes."""
    return dump({"konseho": FORMAT, "before_bytes": done.before, "after_bytes": done.after})


def _rows(table: TableSize) -> str:
    return "? rows" if table.rows is None else plural(table.rows, "row")
