"""What a profile advises: findings, what-ifs and targets, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_duration
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.ranking import saving
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import one_line

MOST = 8
"""Findings in a terminal; the JSON has all."""


def finding_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """Numbered, the one that would save most first."""
    if not findings:
        yield (Piece("No bottleneck stands out: nothing here would save 1 % or more."),)
    for number, finding in enumerate(findings[:MOST], 1):
        yield (Piece(f"{number}. "), Piece(f"{one_line(finding.what)}.", "strong"))
        worth = saving(finding)
        advice = one_line(finding.advice)
        yield (
            Piece(f"   {advice[:1].upper()}{advice[1:]}"),
            Piece(f": {worth}." if worth else ".", "accent" if worth else "plain"),
        )
    if len(findings) > MOST:
        yield (Piece(f"   {len(findings) - MOST} more: --json has all.", "dim"),)


def prediction_lines(predictions: Sequence[Prediction]) -> Iterator[Line]:
    """A row for each what-if: the change, the makespan then, the difference."""
    if not predictions:
        return
    width = max(len(each.change) for each in predictions)
    yield (Piece("What if", "strong"), Piece("  replayed in virtual time, CPU left out", "dim"))
    for each in predictions:
        about = "≈ " if each.approximate else ""
        share = each.saved_s / each.before_s if each.before_s else 0.0
        yield (
            Piece(f"{GAP}{one_line(each.change):{width}}  "),
            Piece(f"{about}{show_duration(each.after_s)}".rjust(10)),
            Piece(f"{-share:+8.0%}".replace("-", "−"), "accent"),
        )


def verdict_lines(verdicts: Sequence[Verdict], symbols: Symbols) -> Iterator[Line]:
    """A row for each target: what was measured, what is allowed."""
    if not verdicts:
        return
    width = max(len(each.name) for each in verdicts)
    measured = max(len(each.measured) for each in verdicts)
    yield (Piece("Targets", "strong"),)
    for each in verdicts:
        sign = symbols.check if each.met else symbols.failed
        yield (
            Piece(f"{GAP}{sign} ", "plain" if each.met else "accent"),
            Piece(f"{each.name.replace('_', ' '):{width}}  {each.measured:>{measured}}"),
            Piece(f" of {each.target}", "dim"),
        )
