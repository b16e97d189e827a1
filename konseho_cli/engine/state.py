"""What all parts of one run share while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.context.settings import ContextSettings
from konseho_cli.engine.cast import Cast
from konseho_cli.engine.outcome import CallRecord, StepOutcome
from konseho_cli.engine.plan import PlannedStep
from konseho_cli.models.base import Usage
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.steps.base import OnError, Part
from konseho_cli.telemetry.bus import Bus
from konseho_cli.telemetry.events import Event
from konseho_cli.telemetry.spans import Recorder


class Premises(msgspec.Struct, frozen=True, kw_only=True):
    """What is given before a run starts."""

    run: str
    """Its id."""
    council: str
    task: str
    inputs: Mapping[str, Any]
    cast: Cast
    price: Callable[[str, Usage], Decimal | None]
    """Dollars of a call by model; None: unknown."""
    tokens: TokenEstimator = msgspec.field(default_factory=TokenEstimator)
    """Learns from every answer how many tokens a prompt takes."""
    seed: int = 0
    on_error: OnError = "halt"
    time_limit_s: float | None = None
    answer: str | None = None
    gate: str | None = None
    context: ContextSettings = ContextSettings()
    """What stays in memory."""
    warnings: tuple[str, ...] = ()


class RunState(msgspec.Struct):
    """What a run has come to so far."""

    premises: Premises
    recorder: Recorder
    bus: Bus
    outcomes: dict[str, StepOutcome] = msgspec.field(default_factory=dict)
    calls: list[CallRecord] = msgspec.field(default_factory=list)
    deadline: float | None = None
    """When the run ends at the latest, on the loop's clock in seconds."""
    said: dict[str, list[Part]] = msgspec.field(default_factory=dict)
    """Answers of the steps that still run: what is left of one that does not end."""

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody listens to such events: ask before building one."""
        return kind in self.bus.wanted

    def names(self, planned: PlannedStep) -> dict[str, Any]:
        """What the step's templates may read."""
        names: dict[str, Any] = {"task": self.premises.task, "inputs": self.premises.inputs}
        for step in planned.sees:
            names[step] = self.outcomes[step].value
        return names

    def sources(self, planned: PlannedStep) -> list[dict[str, str]]:
        """The whole outputs of all that the step waits for, oldest first, for default prompts."""
        seen = [self.outcomes[step] for step in planned.sees]
        seen.sort(key=lambda outcome: outcome.end or 0)
        found: list[dict[str, str]] = []
        for outcome in seen:
            if outcome.status == "failed":
                found.append({"title": outcome.id, "text": "(This step failed.)"})
            else:
                found += (
                    {"title": f"{outcome.id} / {part.label}", "text": part.text}
                    for part in outcome.parts
                )
        return found
