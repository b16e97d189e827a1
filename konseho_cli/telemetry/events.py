"""Events: what happened, in the past tense, as ids and primitives.

Listeners get them in batches; nobody who emits knows who listens.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `at` is nanoseconds on the run's clock."""

    name: ClassVar[str] = "event"
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The council was checked and planned; the first step is about to start."""

    name: ClassVar[str] = "run_started"
    run: str
    council: str
    steps: tuple[str, ...]
    """Step ids in the order of the file."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """What a step waited for is there."""

    name: ClassVar[str] = "step_started"
    step: str
    kind: str
    agents: tuple[str, ...]
    """Who speaks in it, as far as it is known beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgressed(Event):
    """A step moved on inside: a debate's next round, a vote's tally."""

    name: ClassVar[str] = "step_progressed"
    step: str
    note: str
    """A few words for a person: `round 2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """A step ended: `status` is ok, degraded, failed, skipped or cancelled."""

    name: ClassVar[str] = "step_finished"
    step: str
    status: str
    reasons: tuple[str, ...]
    """Why it is not plainly ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStarted(Event):
    """An agent was asked; `call` joins it with what follows."""

    name: ClassVar[str] = "ask_started"
    step: str
    agent: str
    call: int
    label: str
    """The item, round or turn it is about; empty where there is only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextArrived(Event):
    """A piece of an agent's streamed answer. Costly: only emitted where someone asked for it."""

    name: ClassVar[str] = "text_arrived"
    step: str
    agent: str
    call: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRetried(Event):
    """An attempt failed and another follows after `wait_s` seconds."""

    name: ClassVar[str] = "ask_retried"
    step: str
    agent: str
    call: int
    reason: str
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFinished(Event):
    """An agent answered, failed or was cancelled."""

    name: ClassVar[str] = "ask_finished"
    step: str
    agent: str
    call: int
    status: str
    """ok, failed or cancelled."""
    input_tokens: int
    output_tokens: int
    model: str
    """Who answered, `provider:model`."""
    cost: Decimal | None
    """Dollars; None: unknown."""
    error: str
    """Why it failed; empty where it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something a person should know that stops nothing."""

    name: ClassVar[str] = "warned"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run ended: `status` is ok, degraded, failed, interrupted or limit."""

    name: ClassVar[str] = "run_finished"
    run: str
    status: str


EVENTS: tuple[type[Event], ...] = (
    RunStarted, StepStarted, StepProgressed, StepFinished, AskStarted, TextArrived, AskRetried,
    AskFinished, Warned, RunFinished,
)  # fmt: skip

EVERYDAY: frozenset[type[Event]] = frozenset(EVENTS) - {TextArrived}
"""What a listener gets that does not say what it wants."""
