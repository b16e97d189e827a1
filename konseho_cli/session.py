"""The only wiring: from a checked council and a caller's wishes to open resources and a run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from konseho_cli.core.clock import Clock, RealClock
from konseho_cli.core.collecting import collecting
from konseho_cli.core.errors import KonsehoError, StoreFailed, UsageError
from konseho_cli.core.hashing import new_run_id
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.budgeting import budgets_for
from konseho_cli.engine.caching import open_cache
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.casting import Casting, Wishes, cast_models
from konseho_cli.engine.emitting import Emitting
from konseho_cli.engine.executor import Execution, Interrupted
from konseho_cli.engine.joining import at_step_end, journal_of
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.engine.storing import Storing, open_store
from konseho_cli.engine.taping import Taped, Taping, redactor_of
from konseho_cli.models.base import Message, Model, Request
from konseho_cli.models.cache import CacheWishes, ResponseCache
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build, http_for
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.spec.load import Loaded
from konseho_cli.spec.settings import Settings, said_over
from konseho_cli.steps.base import root
from konseho_cli.steps.union import Step
from konseho_cli.telemetry.bus import Bus, Subscription

if TYPE_CHECKING:
    # Only a run that caches, that is kept, or that goes on, loads them.
    from konseho_cli.engine.keeping import Keeper
    from konseho_cli.engine.past import Past
    from konseho_cli.models.memory_tier import MemoryTier
    from konseho_cli.store.base import RunBegan, RunWriter, StoredRun


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
    caching: CacheWishes = CacheWishes()
    taping: Taping = Taping()
    """What is recorded, and what is replayed."""
    storing: Storing = Storing()
    """Whether and where the run is kept."""
    resumed: StoredRun | None = None
    """The run that goes on; None: a new one begins."""
    changed: bool = False
    """Whether the council is not the one that ran before."""
    settings: Settings = Settings()
    """How it is carried out: what the caller says over what a preset says."""
    targets: Targets = Targets()
    """Of a preset; they hold where the council states none."""
    events_out: str | Path | None = None
    """A file for every event, a line each; `-` is stdout."""


class Session:
    """A council that is ready to run: everything is checked, nothing has been called."""

    def __init__(
        self,
        loaded: Loaded,
        options: RunOptions,
        env: Mapping[str, str] | None = None,
        memory: Callable[[], MemoryTier] | None = None,
        store: Callable[[], RunWriter] | None = None,
    ) -> None:
        """`memory`: makes or finds what several runs share; None: this run begins with none.

        `store`: in the place of the one that `options.storing` states.

        Raises UsageError: no task, no model chosen where answers decide, no key.
        """
        self.loaded = loaded
        self.spec: CouncilSpec = loaded.spec
        self.options = options
        self.targets: Targets = said_over(loaded.spec.targets, options.targets)
        """What the run is held to."""
        self.emitting = Emitting(level=options.settings.level, file=options.events_out)
        self.plan: Plan = make_plan(loaded.steps)
        self.task = (self.spec.task or "") if options.task is None else options.task
        self._env = os.environ if env is None else env
        self.taped = Taped(options.taping, options.wishes, self._env)
        self.casting: Casting = cast_models(
            self.spec, loaded.steps, self.taped.wishes, self.taped.chooses
        )
        self._refuse_no_task()
        self._refuse_undecided()
        self._past = self._recall()
        self._cast(self._shared(Prices(), RealClock()))  # a missing key is found now
        self._memory = memory
        self._store = store
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

    @property
    def is_kept(self) -> bool:
        """Whether the run is written down, so that it can be resumed."""
        if self.taped.cassette is not None and self.options.taping.miss == "error":
            return False  # a copy of what is kept already
        return self._store is not None or self.options.storing.enabled

    def interrupt(self, signal: str) -> None:
        """End the run; what is finished is kept and the outcome says so. For signal handlers."""
        self._stopped = Interrupted(f"interrupted by {signal}")
        if self._execution is not None:
            self._execution.stop(self._stopped)

    async def run(self, subscriptions: Sequence[Subscription] = ()) -> RunOutcome:
        """Run once, on the running loop; under a virtual loop in virtual time.

        Raises StoreFailed where the store cannot be opened: nothing was asked then.
        """
        loop = asyncio.get_running_loop()
        clock: Clock = loop if isinstance(loop, VirtualLoop) else RealClock()
        prices = Prices()
        keeper = self._keeper(prices, clock)
        if keeper is None:
            return await self._run(subscriptions, clock, prices, None)
        try:
            outcome = await self._run(subscriptions, clock, prices, keeper)
            return await keeper.finish(outcome, clock.wall())
        finally:
            with suppress(StoreFailed):
                await keeper.aclose()

    async def _run(
        self,
        subscriptions: Sequence[Subscription],
        clock: Clock,
        prices: Prices,
        keeper: Keeper | None,
    ) -> RunOutcome:
        loop = asyncio.get_running_loop()
        cache = self._open_cache(prices, clock)
        shared = self._shared(prices, clock, cache, keeper)
        bus = Bus(clock, loop.call_soon, self.emitting.most)
        for subscription in subscriptions:
            bus.subscribe(*subscription)
        async with AsyncExitStack() as opened:
            events = self.emitting.open(self._env, self.casting.choices.values(), clock.wall)
            if events is not None:
                opened.push_async_callback(asyncio.to_thread, events.close)
                bus.subscribe(events, self.emitting.usual)
            if cache is not None:
                opened.push_async_callback(cache.aclose)
            if shared.tape is not None:
                opened.callback(shared.tape.close)
            opened.push_async_callback(shared.http.aclose)
            premises = self._premises(shared, prices, clock, keeper)
            collect = opened.enter_context(collecting(self.options.settings.collection))
            execution = Execution(self.plan, premises, clock, bus, at_step_end(keeper, collect))
            self._execution = execution
            if self._stopped is not None:
                execution.stop(self._stopped)
            if shared.tape is not None:
                self.taped.begin(shared.tape, premises, self.casting, clock, execution.stop)
            if keeper is not None:
                began = self._began(premises, keeper, clock)
                await keeper.begin(began, execution.recorder, execution.stop)
            outcome = await execution.run()
        now = loop.time()
        return structs.replace(
            outcome,
            replayed=self.taped.cassette is not None,
            resumed=None if self._past is None else self._past.resumed,
            services=tuple(
                service.state(now)
                for service in shared.services.values()
                if service.address or service.requests  # the simulator's are none
            ),
            cache=None if cache is None else cache.stats,
            warnings=(
                *outcome.warnings,
                *(() if cache is None else cache.warnings),
                *(() if events is None else events.warnings),
            ),
        )

    def _recall(self) -> Past | None:
        if self.options.resumed is None:
            return None
        from konseho_cli.engine.past import Past

        return Past(self.options.resumed, self.plan, changed=self.options.changed)

    def _keeper(self, prices: Prices, clock: Clock) -> Keeper | None:
        """None: the run is not kept. Nothing is opened yet."""
        if not self.is_kept:
            return None
        from konseho_cli.engine.keeping import Keeper

        writer = self._store() if self._store else open_store(self.options.storing, self._env)
        redactor = redactor_of(self._env, self.casting.choices.values())
        return Keeper(writer, redactor, prices.cost, clock.now(), self._past)

    def _began(self, premises: Premises, keeper: Keeper, clock: Clock) -> RunBegan:
        """The first record of the run, with all that it takes to run it again."""
        from konseho_cli.core.process import here
        from konseho_cli.engine.remembered import Remembered, council_document

        options = self.options
        remembered = Remembered(
            council=council_document(self.spec), task=self.task, inputs=dict(options.inputs),
            wished=self.taped.wished(self.casting), seed=premises.seed,
            max_concurrency=options.max_concurrency, timeout_s=options.timeout_s,
            strict=options.strict, caching=options.caching,
        )  # fmt: skip
        return keeper.beginning(
            remembered, run=premises.run, file=self.loaded.file, models=self.models,
            simulated=self.simulated, started=clock.wall(), process=here(),
        )  # fmt: skip

    def _open_cache(self, prices: Prices, clock: Clock) -> ResponseCache | None:
        """None where no call can use one; a replay asks its cassette alone."""
        if self.taped.cassette is not None:
            return None
        return open_cache(
            self.options.caching, self.casting.choices.values(), self.loaded.steps.values(),
            env=self._env, clock=clock, price=prices.cost, memory=self._memory,
        )  # fmt: skip

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
            ("targets", self.spec.targets != Targets() or _of_answers(self.options.targets)),
            ("--strict", self.options.strict),
        ):
            if there:
                raise UsageError(
                    f"no model chosen: with {what}, simulated answers must be asked for",
                    hint="set --model or KONSEHO_MODEL, or a key such as OPENAI_API_KEY; "
                    "--model sim simulates",
                )

    def _shared(
        self,
        prices: Prices,
        clock: Clock,
        cache: ResponseCache | None = None,
        keeper: Keeper | None = None,
    ) -> Shared:
        """What the models of one run have in common; nothing is opened yet."""
        options = self.options
        concurrency = (
            options.max_concurrency or self.spec.max_concurrency or options.settings.max_concurrency
        )
        tape, tokens = self.taped.tape(self.casting, clock), TokenEstimator()
        return Shared(
            env=self._env,
            http=http_for(
                self.casting.choices,
                wall=clock.wall,
                on_open=lambda: prices.preload(self.casting.all_models),
            ),
            budgets=budgets_for(
                self.spec, self.loaded.steps, self.casting.choices, prices, tokens, self._past
            ),
            tokens=tokens,
            slots=Slots(concurrency) if concurrency else None,
            warms=any(step.cache == "warm" for step in self.loaded.steps.values()),
            wall=clock.wall,
            cache=cache,
            tape=tape,
            journal=journal_of(tape, keeper),
        )

    def _cast(self, shared: Shared) -> Cast:
        """Put every agent's model together; equal choices share one."""
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

    def _premises(
        self, shared: Shared, prices: Prices, clock: Clock, keeper: Keeper | None
    ) -> Premises:
        spec, options, past = self.spec, self.options, self._past
        limits = [limit for limit in (spec.limits.time, options.timeout_s) if limit is not None]
        return Premises(
            run=new_run_id(clock.wall()) if past is None else past.stored.row.began.run,
            council=spec.name,
            task=self.task,
            inputs=options.inputs,
            cast=self._cast(shared),
            price=prices.cost,
            tokens=shared.tokens,
            seed=self.taped.seed(options.seed, spec.seed),
            on_error=spec.on_error,
            time_limit_s=min(limits, default=None),
            finished={} if past is None or keeper is None else past.finished(keeper.origin),
            answer=spec.answer,
            gate=spec.gate,
            warnings=(
                *map(str, self.loaded.warnings),
                *self.casting.warnings,
                *self.taped.warnings,
            ),
        )


def _of_answers(targets: Targets) -> bool:
    """Whether any of them is about what the models do; Konseho's own time is not."""
    return structs.replace(targets, step_overhead=None) != Targets()


def _reads_task(step: Step) -> bool:
    return any("task" in map(root, names) for names in step.references().values())
