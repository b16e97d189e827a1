"""Events: what happened, in the past tense, as ids and primitives.

Listeners get them in batches; nobody who emits knows who listens. Structs, not dataclasses: a frozen
dataclass of ten fields takes 2 µs to make, a struct 0.1 µs, and a run makes two for every call.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Literal, TypeAlias

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all events. `at` is nanoseconds on the run's clock."""

    name: ClassVar[str] = "event"
    at: int


class RunStarted(Event, frozen=True, kw_only=True, gc=False):
    """The council was checked and planned; the first step is about to start."""

    name: ClassVar[str] = "run_started"
    run: str
    council: str
    steps: tuple[str, ...]
    """Step ids in the order of the file."""
    models: tuple[str, ...]


class StepStarted(Event, frozen=True, kw_only=True, gc=False):
    """What a step waited for is there."""

    name: ClassVar[str] = "step_started"
    step: str
    kind: str
    agents: tuple[str, ...]
    """Who speaks in it, as far as it is known beforehand."""


class StepProgressed(Event, frozen=True, kw_only=True, gc=False):
    """A step moved on inside: a debate's next round, a vote's tally."""

    name: ClassVar[str] = "step_progressed"
    step: str
    note: str
    """A few words for a person: `round 2`."""
    calls: int | None = None
    """How many it will make in all, where that became known."""


class StepFinished(Event, frozen=True, kw_only=True, gc=False):
    """A step ended: `status` is ok, degraded, failed, skipped or cancelled."""

    name: ClassVar[str] = "step_finished"
    step: str
    status: str
    reasons: tuple[str, ...]
    """Why it is not plainly ok."""


class AskStarted(Event, frozen=True, kw_only=True, gc=False):
    """An agent was asked; `call` joins it with what follows."""

    name: ClassVar[str] = "ask_started"
    step: str
    agent: str
    call: int
    label: str
    """The item, round or turn it is about; empty where there is only one."""


class TextArrived(Event, frozen=True, kw_only=True, gc=False):
    """A piece of an agent's streamed answer. Costly: only emitted where someone asked for it."""

    name: ClassVar[str] = "text_arrived"
    step: str
    agent: str
    call: int
    text: str


class AskRetried(Event, frozen=True, kw_only=True, gc=False):
    """An attempt failed and another follows after `wait_s` seconds."""

    name: ClassVar[str] = "ask_retried"
    step: str
    agent: str
    call: int
    reason: str
    wait_s: float


class AskFinished(Event, frozen=True, kw_only=True, gc=False):
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
    source: str = "model"
    """Who gave the answer: model, cache, flight or journal."""


class Warned(Event, frozen=True, kw_only=True, gc=False):
    """Something a person should know that stops nothing."""

    name: ClassVar[str] = "warned"
    message: str


class RunFinished(Event, frozen=True, kw_only=True, gc=False):
    """The run ended: `status` is ok, degraded, failed, interrupted or limit."""

    name: ClassVar[str] = "run_finished"
    run: str
    status: str


EVENTS: tuple[type[Event], ...] = (
    RunStarted, StepStarted, StepProgressed, StepFinished, AskStarted, TextArrived, AskRetried,
    AskFinished, Warned, RunFinished,
)  # fmt: skip

STEPS: frozenset[type[Event]] = frozenset({
    RunStarted, StepStarted, StepProgressed, StepFinished, Warned, RunFinished,
})  # fmt: skip
"""What says how far a run is, without a word about its calls."""

EVERYTHING: frozenset[type[Event]] = frozenset(EVENTS)

EVERYDAY: frozenset[type[Event]] = EVERYTHING - {TextArrived}
"""What a listener gets that does not say what it wants."""

EventLevel: TypeAlias = Literal["none", "steps", "all"]

LEVELS: Mapping[EventLevel, frozenset[type[Event]]] = {
    "none": frozenset(), "steps": STEPS, "all": EVERYTHING,
}  # fmt: skip
"""The most that is built, by its name in settings."""
