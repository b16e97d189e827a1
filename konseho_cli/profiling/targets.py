"""All stated targets, and what one profile says about each: `profiles/targets.yaml`, `stated`.

A council and a preset override them. What no run of a council can show is measured by `konseho bench`, and
is said to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.core.files import shipped
from konseho_cli.core.units import (
    Duration,
    Share,
    Size,
    show_duration,
    show_share,
    show_size,
)
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.recording import Recording
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.profiling.verdicts import (
    MEASURES,
    Measure,
    Seen,
    Verdict,
    judged,
    stated_by,
    step_overheads,
    unmeasured,
)
from konseho_cli.spec.document import Targets

BOTTLENECK = 1.5
"""A step that takes more than so many times its target is one."""
_OF_ITS_SHAPE = frozenset({"efficiency", "cache_hits"})
"""What depends on the council, not on Konseho: held to where a council or a preset states it."""


_COMPUTED = frozenset({"step_overhead", "delegation", "event", "context"})
"""What a profiler in the same process makes longer."""


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target as it is written: exactly one of the first two."""

    most: str | None = None
    """A duration or a size."""
    least: str | None = None
    """A share."""
    row: str | None = None
    """What measures it in `konseho bench`."""
    by: str | None = None
    """The command that measures it, where it is another one."""


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """One stated target."""

    limit: Duration | Size | Share
    row: str | None
    by: str | None = None

    @property
    def measured_by(self) -> str:
        """The command."""
        if self.by:
            return self.by
        return f"konseho bench -k {self.row}" if self.row else "nothing measures it yet"

    @property
    def measure(self) -> Measure:
        """How it is shown, where no run can be held to it."""
        if isinstance(self.limit, Size):
            return Measure(of=_nothing, show=_size, unit="B")
        if isinstance(self.limit, Share):
            return Measure(of=_nothing, show=show_share, unit="share", least=True)
        return Measure(of=_nothing, show=show_duration, unit="s")


class _File(msgspec.Struct, frozen=True, kw_only=True):
    stated: dict[str, _Written]


def load_stated() -> dict[str, Stated]:
    """All of them by name, as they ship. Raises msgspec.ValidationError, ValueError."""
    text = (shipped("profiles") / "targets.yaml").read_bytes()
    written = msgspec.yaml.decode(text, type=_File).stated
    return {
        name: Stated(limit=_limit(spec), row=spec.row, by=spec.by) for name, spec in written.items()
    }


def _limit(spec: _Written) -> Duration | Size | Share:
    if spec.least is not None:
        return Share(spec.least)
    try:
        return Duration(spec.most)
    except ValueError:
        return Size(spec.most)


def profile_verdicts(
    recordings: Sequence[Recording],
    analysis: Analysis,
    targets: Targets,
    stated: Mapping[str, Stated] | None = None,
) -> tuple[Verdict, ...]:
    """The council's own targets first, then all others that are stated, in the order of the file."""
    seen = Seen(outcome=recordings[0].outcome, analysis=analysis, recordings=recordings)
    own = dict(stated_by(targets))
    others = load_stated() if stated is None else stated
    found = tuple(_verdicts(seen, own, others))
    return tuple(map(_slowed, found)) if recordings[0].profiler == "cpu" else found


def _slowed(verdict: Verdict) -> Verdict:
    """One that was measured under cProfile: what Konseho computed took longer, so it refuses nothing."""
    if verdict.name not in _COMPUTED or verdict.value is None:
        return verdict
    return structs.replace(verdict, measured=f"{verdict.measured} under cProfile", own=False)


def _verdicts(
    seen: Seen, own: Mapping[str, Any], others: Mapping[str, Stated]
) -> Iterator[Verdict]:
    for name, limit in own.items():
        known = others.get(name)
        elsewhere = "a profile with --cpu and --memory" if known is None else known.measured_by
        yield judged(name, limit, seen, elsewhere=elsewhere)
    for name, each in others.items():
        if name in own:
            continue
        if name not in MEASURES:
            verdict = unmeasured(name, each.limit, each.measure, each.measured_by)
        else:
            verdict = judged(name, each.limit, seen, elsewhere=each.measured_by)
            if name in _OF_ITS_SHAPE:
                verdict = structs.replace(verdict, met=True, elsewhere=each.measured_by)
        yield structs.replace(verdict, own=False)


def bottlenecks(
    outcome: RunOutcome, targets: Targets, stated: Mapping[str, Stated] | None = None
) -> tuple[Finding, ...]:
    """Steps in which Konseho itself takes more than 1.5 times its target, the worst first."""
    limit = targets.step_overhead
    if limit is None:
        known = (load_stated() if stated is None else stated).get("step_overhead")
        limit = None if known is None else Duration(float(known.limit))
    if limit is None:
        return ()
    slow = [
        (took / 1e9, step)
        for step, took in step_overheads(outcome.spans).items()
        if took / 1e9 > BOTTLENECK * limit
    ]
    return tuple(_slow(step, took, limit) for took, step in sorted(slow, reverse=True))


def _slow(step: str, took: float, limit: Duration) -> Finding:
    times = f", {took / limit:.1f} times its target of {show_duration(limit)}" if limit else ""
    return Finding(
        topic="step",
        where=step,
        what=f"{step} takes {show_duration(took)} of Konseho's own time{times}",
        advice="see what it computes: `konseho profile --cpu`",
        saves_s=took - limit,
        estimated=True,
    )


def _nothing(seen: Seen) -> Any:
    raise AssertionError("it is measured elsewhere")


def _size(size: float) -> str:
    return show_size(round(size))
