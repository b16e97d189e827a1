"""What a run came to: steps, calls and spans, from which everything else is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from konseho_cli.core.clock import Anchor
from konseho_cli.models.base import Account, Source, Usage, is_asked, is_simulated
from konseho_cli.models.cache import CacheStats
from konseho_cli.models.service_state import ServiceState
from konseho_cli.steps.results import Part
from konseho_cli.telemetry.bus import ListenerTime
from konseho_cli.telemetry.spans import Span
from konseho_cli.telemetry.timings import Timing

if TYPE_CHECKING:
    from konseho_cli.store.base import CallKept  # only a run that is kept loads it

StepStatus = Literal["ok", "degraded", "failed", "skipped", "cancelled"]
ENDED_FIRST = "the run ended before it did"
"""Why a step was cancelled."""
RunStatus = Literal["ok", "degraded", "failed", "limit", "interrupted"]


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One logical model call that ended. A struct, because a run makes thousands."""

    step: str
    agent: str
    label: str
    """The item, round or turn it was about; empty where there was only one."""
    model: str
    """Who answered, `provider:model`."""
    status: Literal["ok", "failed", "cancelled"]
    usage: Usage
    """What it took, `wasted` included."""
    cost: Decimal | None
    """Dollars; None: unknown, as is what a provider charges for a call that was cancelled."""
    source: Source = "model"
    requests: int = 1
    """Requests that went out for it."""
    retries: int = 0
    """Requests made again after a failure."""
    hedges: int = 0
    """Second requests made because the first one was slow."""
    wasted: Usage = Usage()
    """Tokens of requests that were paid for and whose answer nobody used, as estimated."""
    error: str = ""
    """Why it failed; empty where it did not."""
    start: int
    """Nanoseconds on the run's clock, as all times here."""
    end: int

    @property
    def is_made(self) -> bool:
        """Whether it counts as a call: not what an earlier session did, a person or a program."""
        return self.source != "journal" and is_asked(self.model)


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one step ended."""

    id: str
    kind: str
    status: StepStatus
    value: Any = None
    """What templates read; null where the step failed, was skipped or cancelled."""
    parts: tuple[Part, ...] = ()
    details: Mapping[str, Any] = msgspec.field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    """Why it is not plainly ok."""
    start: int | None = None
    """None: it never started."""
    end: int | None = None


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What sessions of a run took together."""

    calls: int
    tokens: int
    cost: Decimal | None
    """Dollars; None: unknown."""
    duration_s: float


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that was resumed did not do again."""

    steps: int
    calls: int
    """Answers that are kept; none of them was paid for again."""
    tokens: int
    cost: Decimal
    """Dollars, as far as it is known."""
    before: Took
    """What the sessions before took, in vain or not."""


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the run ended."""

    run: str
    council: str
    status: RunStatus
    answer: Any
    """Text or a JSON value; null where the run has none."""
    gate: bool | None
    """None: the council has no gate, or never came to it."""
    error: str | None
    """What ended the run, in one line."""
    hint: str | None
    exit_code: int
    """What the error, if any, asks the process to end with."""
    simulated: bool
    """Whether any answer came from the embedded simulator."""
    models: tuple[str, ...]
    """All models that the plan may call, `provider:model`."""
    steps: tuple[StepOutcome, ...]
    """In the order of the file."""
    calls: tuple[CallRecord, ...]
    """In the order in which they ended."""
    warnings: tuple[str, ...]
    anchor: Anchor
    start: int
    end: int
    spans: Sequence[Span]
    replayed: bool = False
    """Whether its answers came from a cassette."""
    services: tuple[ServiceState, ...] = ()
    """The models that were at hand, each with its circuit breaker and its limits at the end."""
    cache: CacheStats | None = None
    """What the response cache did; None where no call of the run could be cached."""
    results: CacheStats | None = None
    """What the cache of programs' results did; None where no program was executed."""
    resumed: Resumed | None = None
    """What was there already; None: the run began anew."""
    listeners: tuple[ListenerTime, ...] = ()
    """Who was told of events, and how long each held the run."""
    creation_s: float | None = None
    """Seconds that it took to load, check and plan the council; None: unknown."""
    timings: tuple[Timing, ...] = ()
    """Of the caller's own code that a `Tracker` timed inside of the run, the largest total first."""

    @property
    def duration_s(self) -> float:
        """The makespan, in seconds."""
        return (self.end - self.start) / 1e9

    @property
    def usage(self) -> Usage:
        """All tokens of the run."""
        return total_usage(self.calls)

    @property
    def cost(self) -> Decimal | None:
        """Dollars; None where a call's price is unknown."""
        return total_cost(self.calls)

    @property
    def whole(self) -> Took:
        """What the run took, its earlier sessions included."""
        made = sum(call.is_made for call in self.calls)
        cost, before = self.cost, None if self.resumed is None else self.resumed.before
        if before is None:
            return Took(calls=made, tokens=self.usage.total, cost=cost, duration_s=self.duration_s)
        return Took(
            calls=made + before.calls,
            tokens=self.usage.total + before.tokens,
            cost=None if cost is None or before.cost is None else cost + before.cost,
            duration_s=self.duration_s + before.duration_s,
        )

    @property
    def known_cost(self) -> Decimal:
        """Dollars of the calls whose price is known: the least that the run took."""
        return sum((call.cost for call in self.calls if call.cost is not None), Decimal(0))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the run is not plainly ok: `step: reason`."""
        return tuple(
            f"{step.id}: {reason}"
            for step in self.steps
            if step.status != "skipped"
            for reason in step.reasons
        )

    def __repr__(self) -> str:
        # asyncio.run makes this text at the end of every run, so it does not hold the run.
        return f"RunOutcome(run={self.run!r}, council={self.council!r}, status={self.status!r})"

    def step(self, name: str) -> StepOutcome:
        """One step's outcome. Raises KeyError."""
        for step in self.steps:
            if step.id == name:
                return step
        raise KeyError(name)


def cost_of(
    price: Callable[[str, Usage], Decimal | None],
    status: str,
    model: str,
    usage: Usage,
    account: Account,
) -> Decimal | None:
    """Dollars of one call: for the answer, and for what was paid in vain; None: unknown."""
    if account.source != "model":
        return Decimal(0)
    unsent = status == "cancelled" and not account.requests
    paid = Decimal(0) if status == "failed" or unsent else price(model, usage)
    vain = price(model, account.wasted) if account.wasted.total else Decimal(0)
    return None if paid is None or vain is None else paid + vain


def any_simulated(calls: Iterable[CallRecord | CallKept]) -> bool:
    """Whether the embedded simulator was asked in any of these calls."""
    return any(is_simulated(call.model) for call in calls)


def total_usage(calls: Sequence[CallRecord]) -> Usage:
    """Tokens of these calls together."""
    return sum((call.usage for call in calls), Usage())


def total_cost(calls: Sequence[CallRecord]) -> Decimal | None:
    """Dollars of these calls together; None where one is unknown."""
    total = Decimal(0)
    for call in calls:
        if call.cost is None:
            return None
        total += call.cost
    return total
