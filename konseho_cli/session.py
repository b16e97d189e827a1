"""The only wiring: from a checked council and a caller's wishes to open resources and a run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.limits import Limits
from konseho_cli.core.clock import Clock, RealClock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.hashing import new_run_id
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.casting import Casting, Wishes, cast_models
from konseho_cli.engine.executor import Execution, Interrupted
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.models.base import Message, Model, Request
from konseho_cli.models.budget import Budget
from konseho_cli.models.http import Http
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build
from konseho_cli.spec.document import CouncilSpec, Input, ModelSpec, Targets
from konseho_cli.spec.find import find_council as find_council
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import Loaded, check_document, load_council, to_document
from konseho_cli.steps.base import OnError, root
from konseho_cli.steps.union import Step
from konseho_cli.telemetry.bus import Bus, Listener, Subscription
from konseho_cli.telemetry.events import EVENTS, EVERYDAY, Event


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about one run."""

    task: str | None = None
    inputs: Mapping[str, Any] = msgspec.field(default_factory=dict)
    wishes: Wishes = msgspec.field(default_factory=Wishes)
    max_concurrency: int | None = None
    seed: int | None = None
    timeout_s: float | None = None
    """Seconds for the whole run; the file's `limits.time` holds too."""
    strict: bool = False
    """Whether simulated answers that nobody chose are refused."""


class Session:
    """A council that is ready to run: everything is checked, nothing has been called."""

    def __init__(
        self, loaded: Loaded, options: RunOptions, env: Mapping[str, str] | None = None
    ) -> None:
        """Raises UsageError: no task, no model chosen where answers decide, no key."""
        self.loaded = loaded
        self.spec: CouncilSpec = loaded.spec
        self.options = options
        self.plan: Plan = make_plan(loaded.steps)
        self.task = (self.spec.task or "") if options.task is None else options.task
        self._env = os.environ if env is None else env
        self.casting: Casting = cast_models(self.spec, loaded.steps, options.wishes, self._env)
        self._refuse_no_task()
        self._refuse_undecided()
        self._build(Http(), self._budget(Prices()))  # a missing key is found now, not in mid-run
        self._execution: Execution | None = None
        self._stopped: KonsehoError | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """Full names of the models of this run."""
        return self.casting.models

    @property
    def simulated(self) -> bool:
        """Whether any agent is answered for by the simulator."""
        return any(choice.provider == "sim" for choice in self.casting.choices.values())

    def interrupt(self, signal: str) -> None:
        """End the run; what is finished is kept and the outcome says so. For signal handlers."""
        self._stopped = Interrupted(f"interrupted by {signal}")
        if self._execution is not None:
            self._execution.stop(self._stopped)

    async def run(self, subscriptions: Sequence[Subscription] = ()) -> RunOutcome:
        """Run once, on the running loop; under a virtual loop in virtual time."""
        loop = asyncio.get_running_loop()
        clock: Clock = loop if isinstance(loop, VirtualLoop) else RealClock()
        prices = Prices()
        http = Http(wall=clock.wall)
        bus = Bus(clock, loop.call_soon)
        for listener, kinds in subscriptions:
            bus.subscribe(listener, kinds)
        cast = self._build(http, self._budget(prices))
        try:
            execution = Execution(self.plan, self._premises(cast, prices, clock), clock, bus)
            self._execution = execution
            if self._stopped is not None:
                execution.stop(self._stopped)
            prices.preload(self.casting.all_models)
            return await execution.run()
        finally:
            await http.aclose()

    def _refuse_no_task(self) -> None:
        """Prompts must not speak of a task that nobody gave."""
        steps = self.loaded.steps.values()
        if not self.task.strip() and any(
            step.prompt is None or _reads_task(step) for step in steps
        ):
            raise UsageError(
                "there is no task",
                hint="give it as an argument, by --task-file, on stdin with -, "
                'or in the file: task: "…"',
            )

    def _refuse_undecided(self) -> None:
        """Simulated answers that nobody asked for never decide anything."""
        if not self.casting.unchosen:
            return
        for what, there in (
            ("a gate", self.spec.gate is not None),
            ("targets", self.spec.targets != Targets()),
            ("--strict", self.options.strict),
        ):
            if there:
                raise UsageError(
                    f"no model chosen: with {what}, simulated answers must be asked for",
                    hint="set --model or KONSEHO_MODEL, or a key such as OPENAI_API_KEY; "
                    "--model sim simulates",
                )

    def _budget(self, prices: Prices) -> Budget:
        limits = self.spec.limits
        return Budget(calls=limits.calls, tokens=limits.tokens, cost=limits.cost, price=prices.cost)

    def _build(self, http: Http, budget: Budget) -> Cast:
        """Put every agent's model together; equal choices share one."""
        concurrency = self.options.max_concurrency or self.spec.max_concurrency
        shared = Shared(
            env=self._env,
            http=http,
            budget=budget,
            slots=Slots(concurrency) if concurrency else None,
            warms=any(step.cache == "warm" for step in self.loaded.steps.values()),
        )
        choices = dict.fromkeys(self.casting.choices.values())
        models = {choice: build(choice, shared) for choice in choices}
        return Cast(
            {
                name: self._speaker(name, choice, models[choice])
                for name, choice in self.casting.choices.items()
            }
        )

    def _speaker(self, name: str, choice: ModelChoice, model: Model) -> Speaker:
        agent = self.spec.agents[name]
        messages = (Message("system", agent.role.strip()),) if agent.role.strip() else ()
        request = choice.adapt(Request(model=choice.model, messages=messages))
        return Speaker(
            id=name, agent=agent, model=model, model_name=choice.name, request=request,
            window=choice.window,
        )  # fmt: skip

    def _premises(self, cast: Cast, prices: Prices, clock: Clock) -> Premises:
        spec, options = self.spec, self.options
        limits = [limit for limit in (spec.limits.time, options.timeout_s) if limit is not None]
        return Premises(
            run=new_run_id(clock.wall()),
            council=spec.name,
            task=self.task,
            inputs=options.inputs,
            cast=cast,
            price=prices.cost,
            seed=spec.seed if options.seed is None else options.seed,
            on_error=spec.on_error,
            time_limit_s=min(limits, default=None),
            answer=spec.answer,
            gate=spec.gate,
            warnings=(*map(str, self.loaded.warnings), *self.casting.warnings),
        )


def _reads_task(step: Step) -> bool:
    return any("task" in map(root, names) for names in step.references().values())


class CouncilKeywords(TypedDict, total=False):
    """The keys of a council file, but `konseho`, `name` and `steps`."""

    description: str
    task: str
    inputs: Mapping[str, Input]
    model: str
    models: Mapping[str, ModelSpec]
    agents: Mapping[str, Agent] | Sequence[Agent]
    limits: Limits
    on_error: OnError
    max_concurrency: int
    seed: int
    answer: str
    gate: str
    targets: Targets


class RunKeywords(TypedDict, total=False):
    """What may differ from run to run."""

    inputs: Mapping[str, Any]
    model: str
    """For agents that choose none."""
    max_concurrency: int
    seed: int
    timeout_s: float


class Council:
    """A council for Python users: the nouns of the file, checked as strictly.

    `Council(steps=[Debate(agents=[Agent(name="for_", role="…"), …], rounds=2)])`, or
    `Council.load("council.yaml")`. Keywords are the keys of the file. Raises InvalidCouncil.
    """

    def __init__(
        self,
        *,
        steps: Sequence[Step],
        name: str = "council",
        emit_events: bool = True,
        **document: Unpack[CouncilKeywords],
    ) -> None:
        """`emit_events=False` builds no event at all, for who only wants the outcome."""
        agents = document.get("agents", {})
        if not isinstance(agents, Mapping):
            document["agents"] = {agent.name: agent for agent in agents}
        written = to_document(konseho=1, name=name, steps=list(steps), **document)
        self._begin(check_document(written), emit_events)

    @classmethod
    def load(cls, path: str | Path, *, emit_events: bool = True) -> Self:
        """From a council file, or by the name of a shipped one."""
        council = cls.__new__(cls)
        council._begin(load_council(find_council(str(path))), emit_events)
        return council

    def _begin(self, loaded: Loaded, emit_events: bool) -> None:
        self._loaded = loaded
        self._emit_events = emit_events
        self._outcome: RunOutcome | None = None

    @property
    def spec(self) -> CouncilSpec:
        """The checked document."""
        return self._loaded.spec

    @property
    def outcome(self) -> RunOutcome:
        """Of the run that ended last, such as one that was streamed. Raises UsageError."""
        if self._outcome is None:
            raise UsageError("no run of this council has ended yet")
        return self._outcome

    async def execute(
        self,
        task: str | None = None,
        *,
        on_events: Listener | None = None,
        **options: Unpack[RunKeywords],
    ) -> RunOutcome:
        """Run once. Failures are in the outcome; raises UsageError before any call."""
        subscriptions: list[Subscription] = []
        if on_events is not None and self._emit_events:
            subscriptions.append((on_events, EVERYDAY))
        outcome = await self._session(task, options).run(subscriptions)
        self._outcome = outcome
        return outcome

    def run(self, task: str | None = None, **options: Unpack[RunKeywords]) -> RunOutcome:
        """`execute`, for code that is not asynchronous."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.execute(task, **options))
        raise UsageError("a loop is running here already", hint="await council.execute(…)")

    async def stream(
        self, task: str | None = None, **options: Unpack[RunKeywords]
    ) -> AsyncIterator[Event]:
        """Run once and yield every event, text as it arrives included; then see `outcome`.

        Leaving the loop early cancels the run.
        """
        if not self._emit_events:
            raise UsageError("this council has emit_events=False, so there is nothing to stream")
        session = self._session(task, options)
        queue: asyncio.Queue[Sequence[Event]] = asyncio.Queue()
        run = asyncio.ensure_future(session.run([(queue.put_nowait, frozenset(EVENTS))]))
        run.add_done_callback(lambda _: queue.put_nowait(()))
        try:
            while batch := await queue.get():
                for event in batch:
                    yield event
            self._outcome = await run
        finally:
            run.cancel()
            await asyncio.wait([run])

    def _session(self, task: str | None, options: RunKeywords) -> Session:
        wanted = RunOptions(
            task=task,
            inputs=fill_inputs(self.spec, options.get("inputs", {})),
            wishes=Wishes(model=options.get("model")),
            max_concurrency=options.get("max_concurrency"),
            seed=options.get("seed"),
            timeout_s=options.get("timeout_s"),
        )
        return Session(self._loaded, wanted)
