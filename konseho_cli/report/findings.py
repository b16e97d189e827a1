"""What a profile advises: findings, what-ifs and targets, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_change, show_duration
from konseho_cli.engine.outcome import RunStatus
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.findings.ranking import saving
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import one_line

MOST = 8
"""Findings in a terminal; the JSON has all."""


def finding_lines(findings: Sequence[Finding], status: RunStatus = "ok") -> Iterator[Line]:
    """Numbered, the one that would save most first; `status`: of the run that they are about."""
    if status not in ("ok", "degraded"):
        word = "reached a limit" if status == "limit" else f"was {status}"
        said = f"The run {'failed' if status == 'failed' else word}: this is what there was of it."
        yield (Piece(said, "accent"),)
    elif not findings:
        yield (
            Piece("No bottleneck stands out: no setting of this council would save 2 % or more."),
        )
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
            Piece(f"{show_change(-share):>8}", "accent"),
        )


def verdict_lines(verdicts: Sequence[Verdict], symbols: Symbols) -> Iterator[Line]:
    """A row for each target that was measured: how much, and what is stated; then the others.

    Of those that are not measured here, the council's and the preset's own are named, and what
    no bench measures.
    """
    if not verdicts:
        return
    here = [each for each in verdicts if each.value is not None or not each.elsewhere]
    width = max((len(each.name) for each in here), default=0)
    measured = max((len(each.measured) for each in here), default=0)
    yield (Piece("Targets", "strong"),)
    for each in here:
        sign = (
            symbols.failed if each.missed else symbols.skipped if each.elsewhere else symbols.check
        )
        bound = "at least" if each.least else "of"
        yield (
            Piece(f"{GAP}{sign} ", "accent" if each.missed else "plain"),
            Piece(f"{each.name.replace('_', ' '):{width}}  {each.measured:>{measured}}"),
            Piece(f" {bound} {each.target}", "dim"),
        )
    others = [each for each in verdicts if each not in here]
    named = [
        each.name.replace("_", " ") for each in others if each.own or "bench" not in each.elsewhere
    ]
    if named:
        yield (Piece(f"{GAP}{symbols.skipped} not measured here: {', '.join(named)}", "dim"),)
    if more := len(others) - len(named):
        them = "it" if more == 1 else "them"
        text = f"{more} more: konseho bench measures {them}"
        yield (Piece(f"{GAP}{symbols.skipped} {text}", "dim"),)
