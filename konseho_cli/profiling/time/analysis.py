"""What the spans of a run say about its time: one record, made of pure functions over spans."""

from __future__ import annotations

import msgspec

from konseho_cli.profiling.time.critical_path import CriticalPath


class Share(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of the critical path. Shares of one grouping sum to the makespan exactly."""

    name: str
    """A kind of span, a step, an agent or a model; `konseho` for our own time, empty for none."""
    duration: int
    """Nanoseconds, as all durations here."""
    share: float
    """Of the makespan, 0 to 1."""
    most: tuple[str, ...] = ()
    """Who had the largest pieces of it: `argue round 2/speed 2.1 s`."""


class Leeway(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call: how much longer it could have taken for nothing, and what it cost the run."""

    step: str
    agent: str
    label: str
    duration: int
    waited: int
    """Of that, in which it waited: for a slot, a rate, another's answer, its next try."""
    slack: int
    """By how much it could have been longer without the run being longer; at most until its end."""
    drag: int
    """By how much the run would have been shorter if it had taken no time of its own (waits for
    others stay); 0 off the critical path."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What is held by so many at a time: slots, a service's concurrency, a rate, an agent's pool."""

    name: str
    """`max_concurrency`, `concurrency of openai:gpt-5-mini`, `rate of …`, `pool of SPLIT_STEP`;
    `backoff`, `the same answer` and `prompt cache` are waited for and never held."""
    capacity: int | None
    """None: unknown, or not a number of holders."""
    arrivals: int
    waited: int
    """Of those, how many had to."""
    queued: int
    """Nanoseconds in which somebody waited for it: a union, not a sum."""
    queued_on_path: int
    """Nanoseconds of the critical path in which what came next on it waited for this."""
    service: float
    """Mean nanoseconds that it is held for."""
    mean_wait: float
    """Nanoseconds an arrival."""
    in_use: float
    """Mean holders while the run went: rate of arrivals times mean service, by Little."""
    in_queue: float
    """Mean waiters: rate of arrivals times mean wait, by Little."""
    suggested: int | None
    """The smallest capacity at which nobody would have had to wait; None: unknown."""
    most_in: str = ""
    """The step in which somebody waited for it longest; empty: outside of any, or nobody did."""
    queued_there: int = 0
    """Nanoseconds in that step: a union, not a sum."""


class Straggler(msgspec.Struct, frozen=True, kw_only=True):
    """One round: what the last of its answers cost, seen from the others."""

    step: str
    label: str
    """The round, or empty."""
    agent: str
    """Who was last."""
    answers: int
    last: int
    """Nanoseconds from the round's start to its last answer."""
    cost: int
    """From the last but one to it."""
    quorum_cost: int
    """From the answer that makes a majority to it: what `wait: quorum` would save here."""


class EarlyStop(msgspec.Struct, frozen=True, kw_only=True):
    """A vote: what stopping early saved, or would have saved."""

    step: str
    stopped: bool
    saved: int
    """Nanoseconds. Where it stopped, at least so much: what was left of the calls that were cut
    off, if each took at least as long as the quickest ballot."""


class StepTime(msgspec.Struct, frozen=True, kw_only=True):
    """One step; each figure is a union of intervals within it, with the steps that it holds."""

    step: str
    """Its address: `polish`, and `polish.2.draft` of one that it holds."""
    kind: str
    duration: int
    working: int
    """In which at least one model worked for it."""
    waiting: dict[str, int]
    """By kind of wait (`queue.limit`, `queue.rate`, `backoff`): in which somebody in it waited so."""
    overhead: int
    """In which nobody worked or waited, and no step that it holds ran: Konseho's own."""
    on_path: int


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """From wake to resume: how late the loop was."""

    count: int
    p50: int
    p99: int
    worst: int
    worst_step: str


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    makespan: int
    path: CriticalPath
    by_kind: tuple[Share, ...]
    by_step: tuple[Share, ...]
    by_agent: tuple[Share, ...]
    by_model: tuple[Share, ...]
    """Each with its largest first."""
    leeway: tuple[Leeway, ...]
    """Every call, the largest drag first, then the smallest slack."""
    steps: tuple[StepTime, ...]
    """In the order of the file, each followed by those that it holds."""
    resources: tuple[Resource, ...]
    """The one that was waited for longest first."""
    stragglers: tuple[Straggler, ...]
    """The costliest first."""
    early_stops: tuple[EarlyStop, ...]
    lag: Lag
    call_overhead: float
    """Konseho's own nanoseconds a call, on average."""
    efficiency: float | None
    """Busy model time over capacity times makespan, 0 to 1; None: nothing bounds the capacity."""
