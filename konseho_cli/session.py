"""The only wiring: from a checked council and a caller's wishes to open resources and a run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from konseho_cli.agents.limits import Limits
from konseho_cli.context.settings import ContextSettings
from konseho_cli.core.clock import Clock, RealClock
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.hashing import new_run_id
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.caching import open_cache
from konseho_cli.engine.cast import Cast, Speaker
from konseho_cli.engine.casting import Casting, Wishes, cast_models
from konseho_cli.engine.executor import Execution, Interrupted
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, make_plan
from konseho_cli.engine.state import Premises
from konseho_cli.engine.taping import Taped, Taping
from konseho_cli.models.base import Message, Model, Request
from konseho_cli.models.budget import Budget, Budgets
from konseho_cli.models.cache import CacheWishes, ResponseCache
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build, http_for
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.spec.load import Loaded
from konseho_cli.steps.base import root
from konseho_cli.steps.union import Step
from konseho_cli.telemetry.bus import Bus, Subscription

if TYPE_CHECKING:
    from konseho_cli.models.memory_tier import MemoryTier  # only a run that caches loads it


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
    context: ContextSettings = ContextSettings()
    """What stays in memory while it runs."""


class Session:
    """A council that is ready to run: everything is checked, nothing has been called."""

    def __init__(
        self,
        loaded: Loaded,
        options: RunOptions,
        env: Mapping[str, str] | None = None,
        memory: Callable[[], MemoryTier] | None = None,
    ) -> None:
        """`memory`: makes or finds what several runs share; None: this run begins with none.

        Raises UsageError: no task, no model chosen where answers decide, no key.
        """
        self.loaded = loaded
        self.spec: CouncilSpec = loaded.spec
        self.options = options
        self.plan: Plan = make_plan(loaded.steps)
        self.task = (self.spec.task or "") if options.task is None else options.task
        self._env = os.environ if env is None else env
        self.taped = Taped(options.taping, options.wishes, self._env)
        self.casting: Casting = cast_models(
            self.spec, loaded.steps, self.taped.wishes, self.taped.chooses
        )
        self._refuse_no_task()
        self._refuse_undecided()
        self._cast(self._shared(Prices(), RealClock()))  # a missing key is found now
        self._memory = memory
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
        cache = self._open_cache(prices, clock)
        shared = self._shared(prices, clock, cache)
        bus = Bus(clock, loop.call_soon)
        for listener, kinds in subscriptions:
            bus.subscribe(listener, kinds)
        async with AsyncExitStack() as opened:
            if cache is not None:
                opened.push_async_callback(cache.aclose)
            if shared.tape is not None:
                opened.callback(shared.tape.close)
            opened.push_async_callback(shared.http.aclose)
            premises = self._premises(shared, prices, clock)
            execution = Execution(self.plan, premises, clock, bus)
            self._execution = execution
            if self._stopped is not None:
                execution.stop(self._stopped)
            if shared.tape is not None:
                self.taped.begin(shared.tape, premises, self.casting, clock, execution.stop)
            outcome = await execution.run()
        now = loop.time()
        return structs.replace(
            outcome,
            replayed=self.taped.cassette is not None,
            services=tuple(
                service.state(now)
                for service in shared.services.values()
                if service.address or service.requests  # the simulator's are none
            ),
            cache=None if cache is None else cache.stats,
            warnings=(*outcome.warnings, *(() if cache is None else cache.warnings)),
        )

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
            ("targets", self.spec.targets != Targets()),
            ("--strict", self.options.strict),
        ):
            if there:
                raise UsageError(
                    f"no model chosen: with {what}, simulated answers must be asked for",
                    hint="set --model or KONSEHO_MODEL, or a key such as OPENAI_API_KEY; "
                    "--model sim simulates",
                )

    def _shared(self, prices: Prices, clock: Clock, cache: ResponseCache | None = None) -> Shared:
        """What the models of one run have in common; nothing is opened yet."""
        concurrency = self.options.max_concurrency or self.spec.max_concurrency
        tape, tokens = self.taped.tape(self.casting, clock), TokenEstimator()
        return Shared(
            env=self._env,
            http=http_for(
                self.casting.choices,
                wall=clock.wall,
                on_open=lambda: prices.preload(self.casting.all_models),
            ),
            budgets=self._budgets(prices, tokens),
            tokens=tokens,
            slots=Slots(concurrency) if concurrency else None,
            warms=any(step.cache == "warm" for step in self.loaded.steps.values()),
            wall=clock.wall,
            cache=cache,
            tape=tape,
            journal=tape,
        )

    def _budgets(self, prices: Prices, tokens: TokenEstimator) -> Budgets:
        """Those that limit something; the engine holds the time of the run and of its steps."""

        def budget(whose: str, limits: Limits | None, time_s: float | None = None) -> Budget | None:
            if limits is None:
                return None
            found = Budget(
                whose=whose, calls=limits.calls, tokens=limits.tokens, cost=limits.cost,
                time_s=time_s, price=prices.cost, estimate=tokens.estimate,
            )  # fmt: skip
            return None if found.unlimited else found

        steps = {
            name: budget(f"step '{name}'", step.limits) for name, step in self.loaded.steps.items()
        }
        agents = {
            name: budget(f"agent '{name}'", limits, limits.time)
            for name in self.casting.choices
            if (limits := self.spec.agents[name].limits) is not None
        }
        return Budgets(
            run=budget("", self.spec.limits),
            steps={name: each for name, each in steps.items() if each is not None},
            agents={name: each for name, each in agents.items() if each is not None},
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

    def _premises(self, shared: Shared, prices: Prices, clock: Clock) -> Premises:
        spec, options = self.spec, self.options
        limits = [limit for limit in (spec.limits.time, options.timeout_s) if limit is not None]
        return Premises(
            run=new_run_id(clock.wall()),
            council=spec.name,
            task=self.task,
            inputs=options.inputs,
            cast=self._cast(shared),
            price=prices.cost,
            tokens=shared.tokens,
            seed=self.taped.seed(options.seed, spec.seed),
            on_error=spec.on_error,
            time_limit_s=min(limits, default=None),
            answer=spec.answer,
            gate=spec.gate,
            context=options.context,
            warnings=(
                *map(str, self.loaded.warnings),
                *self.casting.warnings,
                *self.taped.warnings,
            ),
        )


def _reads_task(step: Step) -> bool:
    return any("task" in map(root, names) for names in step.references().values())
