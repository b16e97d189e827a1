"""A tuning, as text while it goes on and as JSON at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.bench.tune.suggestion import Suggestion
from konseho_cli.bench.tune.tuner import Tried
from konseho_cli.bench.tune.tuning import Change, Kind, saving
from konseho_cli.core.units import show_duration
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import cells, one_line, plural
from konseho_cli.version import __version__

UNSURE = 4
"""The exit status where the machine was too noisy to tell for some change."""
_CHANGE = 38
"""Columns of what is changed."""
_TIMES = 17


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """A tuning that is over."""

    council: str
    record: str
    gate: float
    tried: tuple[Tried, ...]
    before_s: float
    """The makespan of the replay before all changes, and with all that were kept."""
    after_s: float
    settings: dict[str, Any]
    """Those that are in force in the end."""
    out_of_time: bool = False
    preset: Path | None = None
    """The file that was written; None: nothing was kept that a preset can hold."""
    unwritten: bool = False
    """Whether one should have been, and could not."""
    use: str = ""
    """The command that runs the council with it."""
    suggestion: Suggestion | None = None
    """What the council's own file would have to say."""

    @property
    def kept(self) -> tuple[Tried, ...]:
        """The changes that stay."""
        return tuple(each for each in self.tried if each.kept)

    @property
    def exit_status(self) -> int:
        """0, or UNSURE."""
        verdicts = {each.ruling.verdict for each in self.tried}
        return UNSURE if "inconclusive" in verdicts else 0


def head_text(council: str, record: str, makespan_s: float, gate: float, symbols: Symbols) -> str:
    """What is tuned, before anything is tried."""
    dot = f" {symbols.dot} "
    parts = (one_line(council), show_duration(makespan_s), f"replays of {record}",
             f"a change stays from {_percent(gate)} on")  # fmt: skip
    return dot.join(parts)


def left_text(left: int) -> str:
    """What of a kept run cannot be replayed as it would go now."""
    them = "it takes its time" if left == 1 else "they take their time"
    return (
        f"{plural(left, 'call')} failed, or was asked again: {them} as it was, and no slot is "
        "waited for"
    )


def tried_text(tried: Tried, symbols: Symbols) -> str:
    """One row: the change, before → after, percent, and what became of it."""
    ruling = tried.ruling
    sign = {"kept": symbols.check, "inconclusive": "?"}.get(ruling.verdict, symbols.dot)
    times = percent = ""
    if tried.measure:
        times = _times(tried, symbols)
        percent = change_percent(tried.before_s, tried.after_s)
    why = ruling.verdict + (f": {one_line(ruling.why)}" if ruling.why else "")
    cpu = "CPU " if tried.measure == "cpu" else ""
    what = _padded(_arrows(one_line(tried.change.text), symbols), _CHANGE)
    return f"{sign} {what}  {_padded(cpu + times, _TIMES + 4)}  {percent:>6}  {why}".rstrip()


def summary_text(tuning: Tuning, symbols: Symbols) -> str:
    """What it came to, the way to use it last."""
    return "\n".join(_summary(tuning, symbols))


def _summary(tuning: Tuning, symbols: Symbols) -> Iterator[str]:
    kept = tuning.kept
    tried = [each for each in tuning.tried if each.ruling.verdict != "skipped"]
    skipped = len(tuning.tried) - len(tried)
    yield ""
    if kept:
        many = f"{plural(len(kept), 'change')} of {len(tried)} kept"
        yield _arrows(f"{many}: {_waiting(tuning)}; every answer of this run is the same", symbols)
    else:
        yield f"nothing was kept of {plural(len(tried), 'change')}: all is as it was"
    if skipped:
        yield f"{plural(skipped, 'change')} had been rolled back before: --again tries them again"
    unsure = sum(each.ruling.verdict == "inconclusive" for each in tuning.tried)
    if unsure:
        yield f"nothing can be said of {plural(unsure, 'change')}: try again on a quieter machine"
    if tuning.out_of_time:
        yield "the time was up before all was tried: --max-time allows more"
    if tuning.suggestion is not None:
        yield from _suggested(tuning.suggestion)
    if kept and tuning.preset is None and not tuning.unwritten:
        yield ""
        yield "no preset was written: none can hold that"
    if tuning.preset is not None:
        yield ""
        yield f"wrote {tuning.preset}"
        yield f"  {tuning.use}"
        if any(each.has_own_line for each in kept):
            yield "  but the council's own line holds over it, until that is changed"


def _waiting(tuning: Tuning) -> str:
    before, after = show_duration(tuning.before_s), show_duration(tuning.after_s)
    if tuning.before_s == tuning.after_s:
        return f"less CPU, and {before} of waiting as before"
    return f"{before} → {after} of waiting, {change_percent(tuning.before_s, tuning.after_s)}"


def _suggested(suggestion: Suggestion) -> Iterator[str]:
    yield ""
    yield "The council's own file would have to say:"
    yield from suggestion.diff.splitlines()
    yield from (f"  {place}" for place in suggestion.by_hand)


def plan_text(changes: Sequence[Change], symbols: Symbols) -> str:
    """What would be tried first, one a line; later ones depend on what is kept."""
    if not changes:
        return "nothing would be tried"
    rows = [(change.kind, _arrows(one_line(change.text), symbols)) for change in changes]
    width = max(len(kind) for kind, _ in rows)
    return "\n".join(f"{kind:<{width}}  {text}" for kind, text in rows)


def plan_json(changes: Sequence[Change]) -> str:
    """The same."""
    listed = [_change(change) for change in changes]
    return dump({"konseho": FORMAT, "changes": listed})


def tuning_json(tuning: Tuning) -> str:
    """All of it; times are seconds, intervals those of after ÷ before."""
    suggestion = tuning.suggestion
    return dump(
        {
            "konseho": FORMAT,
            "version": __version__,
            "council": tuning.council,
            "record": tuning.record,
            "gate": tuning.gate,
            "exit_status": tuning.exit_status,
            "makespan_before_s": tuning.before_s,
            "makespan_after_s": tuning.after_s,
            "tried": [_tried(each) for each in tuning.tried],
            "settings": tuning.settings,
            "preset": None if tuning.preset is None else str(tuning.preset),
            "suggested": [] if suggestion is None else list(suggestion.places),
            "diff": None if suggestion is None or not suggestion.diff else suggestion.diff,
            "by_hand": [] if suggestion is None else list(suggestion.by_hand),
            "out_of_time": tuning.out_of_time,
        }
    )


def _change(change: Change) -> dict[str, Any]:
    kind: Kind = change.kind
    return {"kind": kind, "name": change.name, "from": change.before, "to": change.after}


def _tried(tried: Tried) -> dict[str, Any]:
    measured = bool(tried.measure)
    return {
        **_change(tried.change),
        "verdict": tried.ruling.verdict,
        "why": tried.ruling.why or None,
        "measure": tried.measure or None,
        "before_s": tried.before_s if measured else None,
        "after_s": tried.after_s if measured else None,
        "low": tried.low,
        "high": tried.high,
    }


def change_percent(before: float, after: float) -> str:
    """`−44 %`, `+2 %`; `0 %` where both are the same."""
    share = -saving(before, after) * 100
    return "0 %" if abs(share) < 0.5 else f"{share:+.0f} %".replace("-", "−")


def _times(tried: Tried, symbols: Symbols) -> str:
    return _arrows(f"{show_duration(tried.before_s)} → {show_duration(tried.after_s)}", symbols)


def _arrows(text: str, symbols: Symbols) -> str:
    return text.replace("→", symbols.arrow)


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cells(text))


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
