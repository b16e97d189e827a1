"""A finished run in a line, and whatever a reader must know before the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.base import is_program
from konseho_cli.profiling.time.critical_path import critical_path
from konseho_cli.profiling.verdicts import Verdict
from konseho_cli.report.frame import GAP, Line, Piece
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.text import ends_of, one_line, plural

MOST_STOPS = 6
"""Of the critical path in the summary; the JSON has it whole."""


def summary(outcome: RunOutcome, verdicts: Sequence[Verdict], symbols: Symbols) -> tuple[Line, ...]:
    """The line of figures; then what went wrong, what was decided, what was missed."""
    return (_figures(outcome, verdicts, symbols), *_remarks(outcome, verdicts, symbols))


def _figures(outcome: RunOutcome, verdicts: Sequence[Verdict], symbols: Symbols) -> Line:
    word: str = "limit reached" if outcome.status == "limit" else outcome.status
    fine = outcome.status == "ok"
    sign = symbols.check if fine else symbols.of(outcome.status)
    if refusal := _refusal(outcome, verdicts):
        fine, sign, word = False, symbols.failed, f"{refusal}, run {word}"
    dot = f" {symbols.dot} "
    parts = [*counted(outcome), *_people(outcome), *_free(outcome), *_resumed(outcome)]
    parts.append(f"{show_count(outcome.usage.total)} tokens")
    cost = outcome.cost
    if cost:
        parts.append(show_money(cost))
    elif cost is None:
        known = outcome.known_cost
        parts.append(f"{show_money(known)} or more" if known else "cost unknown")
    path = f" {symbols.arrow} ".join(stops(outcome))
    if path:
        parts.append(f"critical path: {path}")
    return (
        Piece(f"{sign} {word}", "strong" if fine else "accent"),
        Piece(f" in {show_duration(outcome.duration_s)}{dot}"),
        *((Piece("simulated", "accent"), Piece(dot)) if outcome.simulated else ()),
        *((Piece("replayed", "accent"), Piece(dot)) if outcome.replayed else ()),
        Piece(dot.join(parts)),
    )


def counted(outcome: RunOutcome) -> Iterator[str]:
    """What was asked and executed now: `12 calls`, `6 commands`."""
    asked = sum(call.is_made for call in outcome.calls)
    executed = sum(is_program(call.model) and call.source != "journal" for call in outcome.calls)
    if asked or not executed:
        yield plural(asked, "call")
    if executed:
        yield plural(executed, "command")


def _free(outcome: RunOutcome) -> Iterator[str]:
    """Calls that asked no model, and executed nothing: `3 of 5 from cache`."""
    for source, word in (("cache", "from cache"), ("flight", "shared")):
        count = sum(call.source == source for call in outcome.calls)
        if count:
            yield f"{count:,} of {len(outcome.calls):,} {word}"


def _people(outcome: RunOutcome) -> Iterator[str]:
    """Questions that people answered: `2 answers by people`."""
    count = sum(call.source == "human" and call.status == "ok" for call in outcome.calls)
    if count:
        yield f"{plural(count, 'answer')} by {'a person' if count == 1 else 'people'}"


def _resumed(outcome: RunOutcome) -> Iterator[str]:
    """What an earlier session of the run had done: `7 calls of 2 steps were there`."""
    resumed = outcome.resumed
    if resumed is not None:
        steps = f" and {plural(resumed.steps, 'step')}" if resumed.steps else ""
        were = "was" if resumed.calls == 1 and not resumed.steps else "were"
        yield f"{plural(resumed.calls, 'answer')}{steps} {were} there"


def _refusal(outcome: RunOutcome, verdicts: Sequence[Verdict]) -> str:
    """What makes a run that came to its end end with status 1: nobody should read `ok` there."""
    if outcome.error is not None:
        return ""
    if outcome.gate is False:
        return "gate false"
    return "target missed" if any(verdict.refuses for verdict in verdicts) else ""


def stops(outcome: RunOutcome) -> tuple[str, ...]:
    """The headline of the critical path; of a long one, its ends."""
    return ends_of(critical_path(outcome.spans).headline(), MOST_STOPS)


def _remarks(outcome: RunOutcome, verdicts: Sequence[Verdict], symbols: Symbols) -> Iterator[Line]:
    for warning in outcome.warnings:
        yield (Piece(f"{GAP}warning: {one_line(warning)}", "accent"),)
    for reason in reasons(outcome):
        yield (Piece(f"{GAP}{symbols.degraded} {one_line(reason)}", "accent"),)
    for step in outcome.steps:
        if step.status == "skipped":
            why = f": {'; '.join(step.reasons)}" if step.reasons else ""
            text = one_line(f"{step.id} was skipped{why}")
            yield (Piece(f"{GAP}{symbols.skipped} {text}", "dim"),)
    for text in services(outcome):
        yield (Piece(f"{GAP}{symbols.degraded} {one_line(text)}", "accent"),)
    if outcome.gate is not None:
        word = f"{GAP}gate: {str(outcome.gate).lower()}"
        yield (Piece(word) if outcome.gate else Piece(word, "accent"),)
    for verdict in verdicts:
        if verdict.refuses:
            yield (Piece(f"{GAP}{symbols.failed} {measure(verdict)}", "accent"),)


def reasons(outcome: RunOutcome) -> Iterator[str]:
    """Why the run is not plainly ok, without what its error or its status says already."""
    for step in outcome.steps:
        for reason in step.reasons:
            if step.status not in ("cancelled", "skipped") and reason not in (outcome.error or ""):
                yield f"{step.id}: {reason}"


def services(outcome: RunOutcome) -> Iterator[str]:
    """What a reader ought to know of the models' servers."""
    for service in outcome.services:
        if service.circuit != "closed":
            yield f"{service.model}: its circuit is {service.circuit} after {service.failures} failures"
        if service.throttled:
            refused = f"{service.throttled:,} of {service.requests:,} requests"
            yield f"{service.model}: {refused} were refused with a 429"


def measure(verdict: Verdict) -> str:
    """`target time: 2 m 05 s, allowed 2 m 00 s`."""
    return f"target {verdict.name}: {verdict.measured}, {verdict.bound} {verdict.target}"
