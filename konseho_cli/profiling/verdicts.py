"""Verdicts: what a run took, against the targets that it is held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from konseho_cli.core.units import show_count, show_duration, show_money, show_share, show_size
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.within import addresses
from konseho_cli.profiling.time.intervals import covered
from konseho_cli.spec.document import Targets
from konseho_cli.telemetry.spans import Span

if TYPE_CHECKING:
    # A run that is not profiled loads none of it.
    from konseho_cli.profiling.recording import Recording
    from konseho_cli.profiling.time.analysis import Analysis

NOT_HERE = "not measured here"
PROFILE = "konseho profile"


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
    """`s`, `$`, `B`, a `share` of 1, or what is counted."""
    least: bool = False
    """Whether the target is the least that is allowed, not the most."""
    elsewhere: str = ""
    """What measures it, where this cannot: `make bench`. It is neither met nor missed then: `met` is
    True, since nothing here speaks against it."""

    own: bool = True
    """Whether the council or a preset states it. What Konseho itself is held to is shown, and decides
    no exit status: one look on a busy machine proves little, which `konseho bench` knows."""

    @property
    def missed(self) -> bool:
        """Whether the target does not hold."""
        return not self.met and not self.elsewhere

    @property
    def refuses(self) -> bool:
        """Whether it makes the exit status 1."""
        return self.missed and self.own

    @property
    def bound(self) -> str:
        """What stands before the target: `allowed 2 m`, `at least 70 %`."""
        return "at least" if self.least else "allowed"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to measure."""

    outcome: RunOutcome
    analysis: Analysis | None = None
    """None: the run was not profiled."""
    recordings: Sequence[Recording] = ()


class _Unmeasured:
    """What a measure returns that this run, or this profile, cannot tell; None is unknown."""


UNMEASURED = _Unmeasured()


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """How one target is measured."""

    of: Callable[[Seen], Any]
    show: Callable[[Any], str]
    unit: str
    least: bool = False


def verdicts(outcome: RunOutcome, targets: Targets) -> tuple[Verdict, ...]:
    """One verdict for each target that is stated; some are for a profile to measure."""
    seen = Seen(outcome=outcome)
    return tuple(
        judged(name, target, seen, elsewhere=PROFILE) for name, target in stated_by(targets)
    )


def stated_by(targets: Targets) -> Iterator[tuple[str, Any]]:
    """The targets that a council or a preset states, with their limits."""
    for name in targets.__struct_fields__:
        target = getattr(targets, name)
        if target is not None:
            yield name, target


def judged(name: str, target: Any, seen: Seen, *, elsewhere: str) -> Verdict:
    """The verdict on one target; `elsewhere`: what measures it where this run cannot."""
    how = MEASURES[name]
    value = how.of(seen)
    if value is UNMEASURED:
        return unmeasured(name, target, how, elsewhere)
    met = value is not None and (value >= target if how.least else value <= target)
    return Verdict(
        name=name, target=how.show(target), measured="unknown" if value is None else how.show(value),
        met=met, limit=float(target), value=None if value is None else float(value),
        unit=how.unit, least=how.least,
    )  # fmt: skip


def unmeasured(name: str, target: Any, how: Measure, elsewhere: str) -> Verdict:
    """A target that is measured elsewhere."""
    return Verdict(
        name=name, target=how.show(target), measured=NOT_HERE, met=True, limit=float(target),
        value=None, unit=how.unit, least=how.least, elsewhere=elsewhere,
    )  # fmt: skip


def step_overheads(spans: Sequence[Span]) -> dict[str, int]:
    """Konseho's own nanoseconds by step: its time with no call, wait or backoff of it open, and no
    step that it holds.
    """
    steps = {span.attributes["step"]: span for span in spans if span.kind == "step"}
    busy: dict[str, list[tuple[int, int]]] = {step: [] for step in steps}
    for span in spans:
        step = span.attributes.get("step")
        if span.kind in ("ask", "backoff", "queue.pool") and step in busy:
            busy[step].append((span.start, span.end))
        elif span.kind == "step" and "." in span.attributes["step"]:
            for around in addresses(span.attributes["step"])[:-1]:
                if around in busy:
                    busy[around].append((span.start, span.end))
    return {step: span.end - span.start - covered(busy[step]) for step, span in steps.items()}


def _was_cut_off(outcome: RunOutcome) -> bool:
    """Whether its end was never written, as of one that was killed: nobody knows what it took."""
    return bool(outcome.calls) and not any(span.kind == "run" for span in outcome.spans)


def _time(seen: Seen) -> Any:
    return UNMEASURED if _was_cut_off(seen.outcome) else seen.outcome.whole.duration_s


def _step_overhead(seen: Seen) -> Any:
    if _was_cut_off(seen.outcome):
        return UNMEASURED
    return max(step_overheads(seen.outcome.spans).values(), default=0) / 1e9


def _creation(seen: Seen) -> Any:
    taken = seen.outcome.creation_s
    return UNMEASURED if taken is None else taken


def _event(seen: Seen) -> Any:
    """Seconds of all listeners for an event that all of them may have been told of."""
    heard = seen.outcome.listeners
    events = max((each.events for each in heard), default=0)
    return sum(each.seconds for each in heard) / events if events else UNMEASURED


def _delegation(seen: Seen) -> Any:
    if seen.analysis is None or not seen.outcome.calls:
        return UNMEASURED
    return seen.analysis.call_overhead / 1e9


def _context(seen: Seen) -> Any:
    """The longest span of it; where there is none, all that cProfile counts to it is an upper bound."""
    spans = [span for span in seen.outcome.spans if span.kind in ("context", "serialize")]
    if spans:
        return max(span.end - span.start for span in spans) / 1e9
    groups = [
        group.own_s
        for recording in seen.recordings
        if recording.cpu is not None
        for group in recording.cpu.groups
        if group.name == "context serialization"
    ]
    return max(groups, default=UNMEASURED)


def _memory_per_agent(seen: Seen) -> Any:
    memories = [each.memory.per_agent for each in seen.recordings if each.memory is not None]
    return max(memories, default=UNMEASURED)


def _efficiency(seen: Seen) -> Any:
    known = None if seen.analysis is None else seen.analysis.efficiency
    return UNMEASURED if known is None else known


def _cache_hits(seen: Seen) -> Any:
    stats = seen.outcome.cache
    asked = 0 if stats is None else stats.hits + stats.misses
    return stats.hits / asked if stats is not None and asked else UNMEASURED


def _size(size: float) -> str:
    return show_size(round(size))


def _seconds(of: Callable[[Seen], Any]) -> Measure:
    return Measure(of=of, show=show_duration, unit="s")


MEASURES: Mapping[str, Measure] = {
    "time": _seconds(_time),
    "step_overhead": _seconds(_step_overhead),
    "cost": Measure(of=lambda seen: seen.outcome.whole.cost, show=show_money, unit="$"),
    "tokens": Measure(of=lambda seen: seen.outcome.whole.tokens, show=show_count, unit="tokens"),
    "calls": Measure(of=lambda seen: seen.outcome.whole.calls, show=show_count, unit="calls"),
    "creation": _seconds(_creation),
    "event": _seconds(_event),
    "delegation": _seconds(_delegation),
    "context": _seconds(_context),
    "memory_per_agent": Measure(of=_memory_per_agent, show=_size, unit="B"),
    "efficiency": Measure(of=_efficiency, show=show_share, unit="share", least=True),
    "cache_hits": Measure(of=_cache_hits, show=show_share, unit="share", least=True),
}
"""By the names of `spec.document.Targets`."""
