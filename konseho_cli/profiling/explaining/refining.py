"""The rounds of a refine: every version, and what each critic said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.profiling.explaining.excerpt import excerpt
from konseho_cli.profiling.explaining.said import Said
from konseho_cli.steps.base import as_text


class _Critique(msgspec.Struct, frozen=True):
    approves: bool
    summary: str = ""
    points: list[dict[str, str]] = []


class _Round(msgspec.Struct, frozen=True):
    version: Any
    critiques: dict[str, _Critique] = {}
    missing: dict[str, str] = {}


class _Record(msgspec.Struct, frozen=True):
    """The details that `steps/refine.py` leaves."""

    worker: str
    rounds: list[_Round]


def rounds_said(step: StepOutcome) -> tuple[Said, ...]:
    """Empty: it is no refine, or left no record."""
    if step.kind != "refine":
        return ()
    try:
        record = msgspec.convert(dict(step.details), _Record)
    except msgspec.ValidationError:
        return ()
    return tuple(
        said
        for number, one in enumerate(record.rounds, 1)
        for said in _round(record.worker, number, one)
    )


def _round(worker: str, number: int, one: _Round) -> Iterator[Said]:
    text = excerpt(as_text(one.version))
    yield Said(label=f"version {number}", agent=worker, about="", text=text)
    for critic, critique in one.critiques.items():
        points = "; ".join(
            f"{point.get('what', '')} ({point.get('severity', '')})" for point in critique.points
        )
        told = ". ".join(filter(None, (critique.summary.strip().rstrip("."), points)))
        about = "approves" if critique.approves else "does not approve"
        yield Said(label=f"critique {number}", agent=critic, about=about, text=excerpt(told))
    for critic, why in one.missing.items():
        yield Said(label=f"critique {number}", agent=critic, about="failed", text=excerpt(why))
