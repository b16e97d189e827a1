"""What was measured, held against its targets, as a table and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from konseho_cli.bench.measure import Row
from konseho_cli.bench.statistics import Round, Summary, Verdict, ours, peer, ratio
from konseho_cli.bench.targets import Target
from konseho_cli.core.units import show_size
from konseho_cli.version import __version__

MARKS = {"met": "✔", "missed": "✘", "inconclusive": "≈", None: " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured row."""

    row: Row
    target: Target
    ours: Summary
    """Seconds or bytes."""
    peer: Summary
    ratio: Summary

    @classmethod
    def of(cls, row: Row, target: Target, rounds: Sequence[Round]) -> Result:
        """From the rounds."""
        return cls(
            row=row, target=target, ours=ours(rounds), peer=peer(rounds), ratio=ratio(rounds)
        )

    @property
    def stated(self) -> Verdict | None:
        """Whether the stated target holds."""
        return self.target.stated_verdict(self.ours, self.ratio)

    @property
    def aim(self) -> Verdict | None:
        """Whether the aim is reached."""
        return self.target.aim_verdict(self.ours, self.ratio)


def exit_status(results: Sequence[Result]) -> int:
    """0: every stated target holds; 1: one is missed; 4: one cannot be told from noise."""
    found = {result.stated for result in results}
    return 1 if "missed" in found else 4 if "inconclusive" in found else 0


def lines(result: Result) -> list[str]:
    """The two lines of a row: what it took, and what it is held to."""
    target, amount = result.target, _amount_of(result.target)
    stated = _limits(amount, target.stated, target.stated_ratio)
    aim = _limits(amount, target.aim, target.aim_ratio)
    held = [
        f"{word} {limits} {MARKS[verdict]}"
        for word, limits, verdict in (("target", stated, result.stated), ("aim", aim, result.aim))
        if limits
    ]
    took = f"{amount(result.ours.median):>9} ±{result.ours.spread:3.0%}"
    times = f"{result.ratio.median:5.2f} × {amount(result.peer.median)}, {result.row.peer}"
    return [
        f"{result.row.name:<13}{took}   {times}",
        f"{'':<13}{result.row.title}; {', '.join(held)}",
    ]


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Versioned; seconds and bytes."""
    return {
        "version": 1,
        "konseho": __version__,
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        },
        "rows": [_row_as_json(result) for result in results],
    }


def _row_as_json(result: Result) -> dict[str, Any]:
    target = result.target
    return {
        "name": result.row.name,
        "title": result.row.title,
        "peer": result.row.peer,
        "unit": "B" if target.in_bytes else "s",
        "ours": _summary(result.ours),
        "bare": _summary(result.peer),
        "ratio": _summary(result.ratio),
        "stated": target.stated,
        "stated_ratio": target.stated_ratio,
        "aim": target.aim,
        "aim_ratio": target.aim_ratio,
        "verdict": result.stated,
        "aim_verdict": result.aim,
    }


def _summary(summary: Summary) -> dict[str, float]:
    return {"median": summary.median, "low": summary.low, "high": summary.high}


def _amount_of(target: Target) -> Any:
    return (lambda size: show_size(round(size))) if target.in_bytes else _seconds


def _seconds(seconds: float) -> str:
    """Three figures, since here a tenth of a microsecond counts."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _limits(amount: Any, limit: float | None, times: float | None) -> str:
    found = [f"< {amount(limit)}"] if limit is not None else []
    found += [f"< {times:g} ×"] if times is not None else []
    return " and ".join(found)
