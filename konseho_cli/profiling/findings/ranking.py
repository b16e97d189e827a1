"""Findings in the order of what they would save, of whatever there is most too much of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.units import show_count, show_duration, show_size
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.candidate import WORTH, Candidate
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.whatif.changes import Changes

_TRIED = 6
"""What-ifs at most: each runs the council again, in virtual time."""


def tried(
    candidates: Iterable[Candidate],
    suppose: Callable[[Changes], Prediction | None],
    makespan_s: float,
) -> list[Finding]:
    """What is left of the candidates when what they advise was replayed; the largest are tried.

    `suppose` returns None where it cannot tell, and raises UsageError for what cannot be changed so.
    """
    ordered = sorted(candidates, key=lambda each: -each.finding.saves_s)
    found, left = [], _TRIED
    for candidate in ordered:
        finding = candidate.finding
        changes, prediction = candidate.changes, None
        if changes is not None and left:
            left -= 1
            try:
                prediction = suppose(changes)
            except UsageError:
                continue  # this council cannot be changed so
        if prediction is not None:
            if prediction.saved_s >= WORTH * makespan_s:
                finding = structs.replace(
                    finding, saves_s=prediction.saved_s, estimated=prediction.approximate
                )
            elif not candidate.stands:
                continue
        found.append(finding)
    return found


def ranked(
    findings: Iterable[Finding], *, makespan_s: float, peak: int, tokens: int
) -> tuple[Finding, ...]:
    """By the largest share that each would save: of the time, of the memory, or of the tokens."""

    def share(finding: Finding) -> float:
        return max(
            finding.saves_s / makespan_s if makespan_s else 0.0,
            finding.saves_bytes / peak if peak else 0.0,
            finding.saves_tokens / tokens if tokens else 0.0,
        )

    return tuple(sorted(findings, key=share, reverse=True))


def saving(finding: Finding) -> str:
    """`saves 3.1 s`, `saves ≈ 200 MB`; empty where nobody can tell."""
    about = "≈ " if finding.estimated else ""
    if finding.saves_s:
        return f"saves {about}{show_duration(finding.saves_s)}"
    if finding.saves_bytes:
        return f"saves {about}{show_size(finding.saves_bytes)}"
    if finding.saves_tokens:
        return f"saves {about}{show_count(finding.saves_tokens)} tokens"
    return ""
