"""What a run looks like at one moment: fed with events, read by whoever draws it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

import msgspec

from konseho_cli.engine.plan import Plan
from konseho_cli.models.base import is_person, is_program
from konseho_cli.steps.base import speaker_ids
from konseho_cli.telemetry.events import (
    AskFinished,
    AskRetried,
    AskStarted,
    Event,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgressed,
    StepStarted,
    Warned,
)


class Tally(msgspec.Struct, kw_only=True):
    """Calls, tokens and dollars so far."""

    calls: int = 0
    people: int = 0
    """Of these, those that asked a person, who is no model."""
    programs: int = 0
    """Those that executed a program."""
    tokens: int = 0
    cached: int = 0
    """Calls whose answer was there already."""
    cost: Decimal | None = Decimal(0)
    """None once a call had no known price."""

    def add(self, event: AskFinished) -> None:
        """Count a call that ended."""
        self.calls += 1
        self.people += is_person(event.model)
        self.programs += is_program(event.model)
        self.cached += event.source == "cache"
        self.tokens += event.input_tokens + event.output_tokens
        if event.cost is None or self.cost is None:
            self.cost = None
        else:
            self.cost += event.cost


class AgentView(msgspec.Struct, kw_only=True):
    """One agent in one step."""

    name: str
    open: dict[int, int] = msgspec.field(default_factory=dict)
    """Calls that run: number → start."""
    most_open: int = 0
    last: str = "waiting"
    """How its latest call ended."""
    busy_ns: int = 0
    """Time of the calls that ended."""
    tally: Tally = msgspec.field(default_factory=Tally)

    @property
    def state(self) -> str:
        """waiting, running, ok, failed or cancelled."""
        return "running" if self.open else self.last

    def elapsed_ns(self, now: int) -> int:
        """Its calls' time so far; of several at once, the oldest open one counts."""
        return self.busy_ns + (now - min(self.open.values()) if self.open else 0)


class StepView(msgspec.Struct, kw_only=True):
    """One step."""

    id: str
    name: str = ""
    """The id without that of the step around it: `2.draft`; of a step of the council the id."""
    kind: str = ""
    state: str = "waiting"
    agents: dict[str, AgentView] = msgspec.field(default_factory=dict)
    note: str = ""
    """The latest of what it said about itself: `round 2`."""
    trouble: str = ""
    """The latest retry or failure of a call."""
    reasons: tuple[str, ...] = ()
    expected: int = 0
    """Calls at most, as soon as that is known."""
    start: int | None = None
    end: int | None = None
    tally: Tally = msgspec.field(default_factory=Tally)
    """Of the steps inside of it, too."""
    inner: dict[str, StepView] = msgspec.field(default_factory=dict)
    """The steps that it holds, by their addresses, as they began."""

    def agent(self, name: str) -> AgentView:
        """The agent's place in this step, made at its first call."""
        return self.agents.setdefault(name, AgentView(name=name))

    @property
    def iteration(self) -> int:
        """The one that its name begins with: 2 of `2.draft`; 0: none."""
        first = self.name.partition(".")[0]
        return int(first) if first.isdigit() else 0

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Agents that are being asked."""
        return tuple(agent.name for agent in self.agents.values() if agent.open)

    @property
    def is_counted(self) -> bool:
        """Whether its agents take several pieces at once, so that only numbers tell."""
        return any(agent.most_open > 1 for agent in self.agents.values())

    @property
    def progress(self) -> tuple[int, int]:
        """Pieces done, of those known so far: calls where they are counted, else agents."""
        if self.is_counted:
            begun = self.tally.calls + sum(len(agent.open) for agent in self.agents.values())
            return self.tally.calls, max(begun, self.expected)
        settled = sum(agent.state not in ("waiting", "running") for agent in self.agents.values())
        return settled, len(self.agents)

    def elapsed_ns(self, now: int) -> int | None:
        """Since its start, until its end; None before."""
        if self.start is None:
            return None
        return (now if self.end is None else self.end) - self.start


class RunView(msgspec.Struct):
    """One run. It is a listener: call it with each batch of events."""

    council: str = ""
    models: tuple[str, ...] = ()
    steps: dict[str, StepView] = msgspec.field(default_factory=dict)
    """Those of the council; each has those inside of it."""
    start: int | None = None
    end: int | None = None
    status: str = "running"
    tally: Tally = msgspec.field(default_factory=Tally)
    warnings: list[str] = msgspec.field(default_factory=list)
    marks: bool = True
    """Whether agents have marks of their own; not where nobody says how their calls go."""

    @classmethod
    def of(
        cls, council: str, models: tuple[str, ...], plan: Plan, *, marks: bool = True
    ) -> RunView:
        """A run that has not started: all its steps and speakers are there and wait."""
        view = cls(council=council, models=models, marks=marks)
        for planned in plan.steps:
            step = view.step(planned.id)
            step.kind = planned.step.kind
            if not marks:
                continue
            step.expected = planned.estimate.most or 0
            for name in speaker_ids(planned.step):
                step.agent(name)
        return view

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        for event in batch:
            handle = _HANDLERS.get(type(event))
            if handle is not None:
                handle(self, event)

    @property
    def ended(self) -> int:
        """Steps that are over."""
        return sum(step.end is not None for step in self.steps.values())

    def ended_only(self) -> RunView:
        """The same without the steps that are not over."""
        over = {name: step for name, step in self.steps.items() if step.end is not None}
        return msgspec.structs.replace(self, steps=over)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1; running steps count by their calls, or their pieces."""
        total = 0.0
        for step in self.steps.values():
            done, known = step.progress
            if step.expected:
                done, known = step.tally.calls, step.expected
            total += 1 if step.end is not None else min(0.9, done / known) if known else 0
        return total / len(self.steps) if self.steps else 0.0

    def elapsed_ns(self, now: int) -> int:
        """Since the start, until the end."""
        if self.start is None:
            return 0
        return (now if self.end is None else self.end) - self.start

    def step(self, name: str) -> StepView:
        """A step's view, by its address."""
        return self.line(name)[-1]

    def line(self, name: str) -> list[StepView]:
        """The same with all that are around it, the outermost first."""
        top, *rest = name.split(".")
        line = [self.steps.setdefault(top, StepView(id=top, name=top))]
        if rest:
            for address in accumulate((top, *rest[:-1]), "{}.{}".format):
                if address in line[-1].inner:
                    line.append(line[-1].inner[address])
            own = name.removeprefix(f"{line[-1].id}.")
            line.append(line[-1].inner.setdefault(name, StepView(id=name, name=own)))
        return line


def _run_started(view: RunView, event: RunStarted) -> None:
    view.council, view.models, view.start = event.council, event.models, event.at
    for name in event.steps:
        view.step(name)


def _step_started(view: RunView, event: StepStarted) -> None:
    line = view.line(event.step)
    step = line[-1]
    if step.start is not None and len(line) > 1:
        _forget_later(line[-2], step)
    step.kind, step.state, step.start, step.end = event.kind, "running", event.at, None
    for name in event.agents if view.marks else ():
        step.agent(name)


def _forget_later(around: StepView, again: StepView) -> None:
    """A step that is tried again begins at its first iteration: what came later was the last try."""
    later = [each for each, inner in around.inner.items() if inner.iteration > again.iteration]
    for address in later:
        del around.inner[address]


def _step_progressed(view: RunView, event: StepProgressed) -> None:
    step = view.step(event.step)
    step.note = event.note
    if event.calls is not None:
        step.expected = event.calls


def _step_finished(view: RunView, event: StepFinished) -> None:
    step = view.step(event.step)
    step.state, step.reasons, step.end, step.trouble = event.status, event.reasons, event.at, ""
    if step.start is None:
        step.start = event.at


def _ask_started(view: RunView, event: AskStarted) -> None:
    agent = view.step(event.step).agent(event.agent)
    agent.open[event.call] = event.at
    agent.most_open = max(agent.most_open, len(agent.open))


def _ask_retried(view: RunView, event: AskRetried) -> None:
    view.step(event.step).trouble = f"{event.agent} again: {event.reason}"


def _ask_finished(view: RunView, event: AskFinished) -> None:
    line = view.line(event.step)
    step = line[-1]
    agent = step.agent(event.agent)
    start = agent.open.pop(event.call, event.at)
    agent.busy_ns += event.at - start
    agent.last = event.status
    for tally in (agent.tally, *(each.tally for each in line), view.tally):
        tally.add(event)
    if event.status == "failed":
        step.trouble = f"{event.agent}: {event.error}"
    elif step.trouble.startswith(f"{event.agent} "):
        step.trouble = ""


def _warned(view: RunView, event: Warned) -> None:
    view.warnings.append(event.message)


def _run_finished(view: RunView, event: RunFinished) -> None:
    view.status, view.end = event.status, event.at


_HANDLERS: Mapping[type[Event], Callable[[RunView, Any], None]] = {
    RunStarted: _run_started,
    StepStarted: _step_started,
    StepProgressed: _step_progressed,
    StepFinished: _step_finished,
    AskStarted: _ask_started,
    AskRetried: _ask_retried,
    AskFinished: _ask_finished,
    Warned: _warned,
    RunFinished: _run_finished,
}
