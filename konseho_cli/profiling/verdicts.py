"""Verdicts: what a run took, against the targets that it is held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from konseho_cli.core.units import show_count, show_duration, show_money
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.intervals import covered
from konseho_cli.spec.document import Targets
from konseho_cli.telemetry.spans import Span

Q = TypeVar("Q", int, float, Decimal)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One target: what was stated, what was measured, as people read them."""

    name: str
    target: str
    measured: str
    """`unknown` where it could not be measured."""
    met: bool
    """False too where it is unknown: a target that nobody can check does not hold."""
    limit: float
    """The target as a number of `unit`, for programs."""
    value: float | None
    """What was measured, in the same unit; None: unknown."""
    unit: str
    """`s`, `$`, or what is counted."""


def verdicts(outcome: RunOutcome, targets: Targets) -> tuple[Verdict, ...]:
    """One verdict for each target that is stated."""
    return tuple(_verdicts(outcome, targets))


def _verdicts(outcome: RunOutcome, targets: Targets) -> Iterator[Verdict]:
    took = outcome.whole
    if targets.time is not None:
        yield _verdict("time", targets.time, took.duration_s, show_duration, "s")
    if targets.step_overhead is not None:
        overheads = step_overheads(outcome.spans).values()
        slowest = max(overheads, default=0) / 1e9
        yield _verdict("step_overhead", targets.step_overhead, slowest, show_duration, "s")
    if targets.cost is not None:
        yield _verdict("cost", targets.cost, took.cost, show_money, "$")
    if targets.tokens is not None:
        yield _verdict("tokens", targets.tokens, took.tokens, show_count, "tokens")
    if targets.calls is not None:
        yield _verdict("calls", targets.calls, took.calls, show_count, "calls")


def _verdict(
    name: str, target: Q, measured: Q | None, show: Callable[[Q], str], unit: str
) -> Verdict:
    return Verdict(
        name=name,
        target=show(target),
        measured="unknown" if measured is None else show(measured),
        met=measured is not None and measured <= target,
        limit=float(target),
        value=None if measured is None else float(measured),
        unit=unit,
    )


def step_overheads(spans: Sequence[Span]) -> dict[str, int]:
    """Konseho's own nanoseconds by step: its time with no call, wait or backoff of it open."""
    steps = {span.attributes["step"]: span for span in spans if span.kind == "step"}
    busy: dict[str, list[tuple[int, int]]] = {step: [] for step in steps}
    for span in spans:
        step = span.attributes.get("step")
        if span.kind in ("ask", "backoff", "queue.pool") and step in busy:
            busy[step].append((span.start, span.end))
    return {step: span.end - span.start - covered(busy[step]) for step, span in steps.items()}
