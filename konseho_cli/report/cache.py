"""The cache of answers, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from konseho_cli.core.units import show_count, show_duration, show_money, show_size
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.cache import CacheStats
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, fit, one_line, plural
from konseho_cli.store.cache_table import Kept, Totals

_ABOUT = 60
"""Columns of a question's beginning."""
_DAY = 86400


def totals_text(totals: Totals, place: Path, now: float, results: Totals | None = None) -> str:
    """What is kept and what came of it. `now`: seconds since the epoch; `results`: of programs."""
    asked = totals.hits + totals.misses
    rate = f" ({totals.hits / asked * 100:.0f} %)" if asked else ""
    oldest = "" if totals.oldest is None else f", oldest {_age(now - totals.oldest)}"
    money = f", {show_money(totals.saved_cost)}" if totals.saved_cost else ""
    return "\n".join(
        (
            f"entries  {totals.entries:,}, {show_size(totals.size)}{oldest}",
            f"hits     {totals.hits:,} of {plural(asked, 'lookup')}{rate}",
            f"saved    {show_count(totals.saved_tokens)} tokens{money}",
            *([_results_text(results)] if results is not None and _is_used(results) else []),
            f"file     {one_line(str(place))}",
        )
    )


def _is_used(results: Totals) -> bool:
    return bool(results.entries or results.hits or results.misses)


def _results_text(results: Totals) -> str:
    asked = results.hits + results.misses
    rate = f" ({results.hits / asked * 100:.0f} %)" if asked else ""
    kept = f"{results.entries:,} of programs, {show_size(results.size)}"
    return f"results  {kept}, {results.hits:,} hits of {plural(asked, 'lookup')}{rate}"


def totals_json(totals: Totals, place: Path, results: Totals | None = None) -> str:
    """The same; times are dates, costs dollars."""
    programs = results or Totals()
    looked_up = programs.hits + programs.misses
    asked = totals.hits + totals.misses
    return dump(
        {
            "konseho": FORMAT,
            "file": str(place),
            "entries": totals.entries,
            "bytes": totals.size,
            "oldest": None if totals.oldest is None else _date(totals.oldest),
            "hits": totals.hits,
            "misses": totals.misses,
            "hit_rate": totals.hits / asked if asked else None,
            "saved_tokens": totals.saved_tokens,
            "saved_cost": float(totals.saved_cost),
            "results": {
                "entries": programs.entries,
                "bytes": programs.size,
                "hits": programs.hits,
                "misses": programs.misses,
                "hit_rate": programs.hits / looked_up if looked_up else None,
            },
        }
    )


def entries_text(entries: Sequence[Kept], symbols: Symbols, now: float) -> str:
    """A line for each: age, model, tokens, hits, and how its question began."""
    rows = [
        (
            _age(now - entry.created),
            one_line(entry.model),
            f"{show_count(entry.tokens)} tok",
            plural(entry.hits, "hit"),
            fit(one_line(entry.about), _ABOUT, symbols),
        )
        for entry in entries
    ]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def entries_json(entries: Sequence[Kept]) -> str:
    """All that is known of each but its answer."""
    return dump({"konseho": FORMAT, "entries": [_entry(entry) for entry in entries]})


def cleared_text(gone: int) -> str:
    """How many are gone."""
    return f"removed {plural(gone, 'answer')}"


def cleared_json(gone: int) -> str:
    """The same."""
    return dump({"konseho": FORMAT, "removed": gone})


def warmed_text(outcome: RunOutcome) -> str:
    """What a run left in the cache."""
    stats = outcome.cache or CacheStats()
    told = [f"{stats.writes:,} new", f"{stats.hits:,} already there"]
    asked = sum(call.source == "model" for call in outcome.calls)
    if asked > stats.writes:
        told.append(f"{asked - stats.writes:,} not kept")
    return f"{plural(len(outcome.calls), 'call')}: {', '.join(told)}"


def _entry(entry: Kept) -> dict[str, Any]:
    return {
        "model": entry.model,
        "about": entry.about,
        "tokens": entry.tokens,
        "hits": entry.hits,
        "bytes": entry.size,
        "created": _date(entry.created),
        "used": _date(entry.used),
    }


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    age, model, tokens, hits, about = (
        (text, " " * (width - cells(text))) for text, width in zip(row, widths, strict=True)
    )
    right = "  ".join(space + text for text, space in (tokens, hits))
    return f"{age[1]}{age[0]}  {model[0]}{model[1]}  {right}  {about[0]}".rstrip()


def _age(seconds: float) -> str:
    """`3 d` from two days on: nobody counts an old answer's minutes."""
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY:.0f} d"
    return show_duration(max(1.0, seconds))


def _date(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds")
