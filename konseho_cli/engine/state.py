"""What all parts of one run share while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from konseho_cli.agents.rota import Rota
from konseho_cli.context.settings import ContextSettings
from konseho_cli.engine.cast import Cast
from konseho_cli.engine.held import HeldOutcome
from konseho_cli.engine.holding import Holding
from konseho_cli.engine.outcome import CallRecord, StepOutcome
from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.models.base import Usage
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.steps.fields import OnError
from konseho_cli.steps.results import Part
from konseho_cli.telemetry.bus import Bus
from konseho_cli.telemetry.events import Event, StepFinished
from konseho_cli.telemetry.spans import Recorder, Scope

if TYPE_CHECKING:
    from konseho_cli.engine.windowing import Source, Summaries  # only who bounds prompts loads it
    from konseho_cli.models.command import CommandDone, CommandRequest


class Executes(Protocol):
    """Who executes programs for the steps of a run."""

    async def execute(
        self, state: RunState, scope: Scope, question: Any, order: CommandRequest
    ) -> CommandDone:
        """Execute one, or know what came of it. Raises ModelError."""
        ...


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
    before_s: float = 0.0
    """Seconds that the limit does not count: in a replay, those of the sessions before the last."""
    max_concurrency: int | None = None
    """Requests of the run at once; its span says so, for whoever analyses it."""
    finished: Mapping[str, StepOutcome] = msgspec.field(default_factory=dict)
    """Steps that ended before the run began to go on."""
    picked: Mapping[tuple[str, str, int], tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Whom a run before this one picked, in order, by step with its try, item and turn."""
    answer: str | None = None
    gate: str | None = None
    context: ContextSettings = ContextSettings()
    """What stays in memory."""
    spill_in: Path | None = None
    """Where the rest goes; None: the system's folder for temporary files."""
    warnings: tuple[str, ...] = ()
    programs: Executes | None = None
    """Who executes programs; None: nobody does."""
    ended: tuple[Callable[[StepOutcome, int], None], ...] = ()
    """Told how each step ended, and its place in the file."""


class Inside(msgspec.Struct, kw_only=True):
    """What ran in a step that holds others."""

    start: int
    """When that step began, in nanoseconds on the run's clock."""
    records: dict[tuple[int, int, int], dict[str, Any]] = msgspec.field(default_factory=dict)
    """By iteration, and by the places of the block and of the step in the file."""


RunPlan: TypeAlias = Callable[
    ["RunState", Plan, Callable[[StepOutcome, PlannedStep], None], Scope], Awaitable[None]
]


class RunState(msgspec.Struct):
    """What a run has come to so far."""

    premises: Premises
    recorder: Recorder
    bus: Bus
    holding: Holding
    run_plan: RunPlan
    """Runs the steps of a block; handed in, since a step's context is below what runs steps."""
    outcomes: dict[str, StepOutcome] = msgspec.field(default_factory=dict)
    calls: list[CallRecord] = msgspec.field(default_factory=list)
    deadline: float | None = None
    """When the run ends at the latest, on the loop's clock in seconds."""
    rota: Rota = msgspec.field(default_factory=Rota)
    """Whose turn it is in the pools that steps share."""
    summaries: Summaries | None = None
    """None: no window was too small yet."""
    prefix: str = ""
    """What the addresses of its steps begin with: `polish.2.`; empty for the council's own."""
    path: str = ""
    """The same with the tries of the steps around, for the identity of calls: `polish~1.2.`."""
    top: str = ""
    """The step of the council that all of this happens in; empty where it is the council itself."""
    given: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What the steps around a block let it read."""
    earlier: Callable[[], list[Source]] | None = None
    """What was said before a block began, for default prompts; None: nothing."""
    inside: dict[str, Inside] = msgspec.field(default_factory=dict)
    """By the id of each step that holds others and has begun; of its last try alone."""
    _recalled: dict[str, list[Source]] = msgspec.field(default_factory=dict)
    """What running steps see, where it was not all in memory."""

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody listens to such events: ask before building one."""
        return kind in self.bus.wanted

    def announce(self, outcome: StepOutcome) -> None:
        """Tell whoever listens how a step ended."""
        if self.wants(StepFinished):
            self.bus.emit(
                StepFinished(
                    at=self.bus.now(), step=outcome.id, status=outcome.status,
                    reasons=outcome.reasons,
                )
            )  # fmt: skip

    def ran_in(self, planned: PlannedStep) -> dict[str, Any]:
        """Details of a step that holds others: what ran in it, in an order that never varies."""
        inside = self.inside.get(planned.id)
        if inside is None:
            return {}
        return {"steps": [record for _, record in sorted(inside.records.items())]}

    def address(self, planned: PlannedStep) -> str:
        """The step as events, spans and records name it: `polish.2.draft`."""
        return self.prefix + planned.id

    def names(self, planned: PlannedStep) -> dict[str, Any]:
        """What the step's templates read; what is held elsewhere is for `recall`."""
        names = {"task": self.premises.task, "inputs": self.premises.inputs, **self.given}
        for step in planned.reads:
            outcome = self.outcomes[step]
            if not isinstance(outcome, HeldOutcome):
                names[step] = outcome.value
        return names

    async def recall(self, planned: PlannedStep, names: dict[str, Any]) -> None:
        """Bring back what the step is going to read. Raises StoreFailed."""
        for step in planned.reads:
            if step not in names:
                names[step] = await self.holding.value(self.outcomes[step])
        if planned.step.prompt is None:
            seen = self._seen(planned)
            parts = [await self.holding.parts(outcome) for outcome in seen]
            self._recalled[planned.id] = self._sources(seen, parts)

    def forget(self, planned: PlannedStep) -> None:
        """Let go of what was recalled for a step."""
        self._recalled.pop(planned.id, None)

    def sources(self, planned: PlannedStep) -> list[Source]:
        """The whole outputs of all that the step waits for, oldest first, for default prompts."""
        recalled = self._recalled.get(planned.id)
        if recalled is None:
            seen = self._seen(planned)
            recalled = self._sources(seen, [outcome.parts for outcome in seen])
        return recalled if self.earlier is None else [*self.earlier(), *recalled]

    def shows(self, planned: PlannedStep) -> bool:
        """Whether a default prompt has anything to show that was said before."""
        return bool(planned.seen) or (self.earlier is not None and bool(self.earlier()))

    def _seen(self, planned: PlannedStep) -> list[StepOutcome]:
        seen = [self.outcomes[step] for step in planned.sees]
        seen.sort(key=lambda outcome: outcome.end or 0)
        return seen

    def _sources(self, seen: list[StepOutcome], parts: list[tuple[Part, ...]]) -> list[Source]:
        found: list[Source] = []
        for outcome, said in zip(seen, parts, strict=True):
            name = outcome.id.removeprefix(self.prefix)
            if outcome.status == "failed":
                found.append({"title": name, "text": "(This step failed.)"})
            else:
                found += ({"title": f"{name} / {part.label}", "text": part.text} for part in said)
        return found
