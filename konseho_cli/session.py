"""The only wiring: from a checked council and a caller's wishes to open resources and a run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from konseho_cli.core.clock import Clock, RealClock
from konseho_cli.core.collecting import collecting
from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.core.hashing import new_run_id
from konseho_cli.core.slots import Slots
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.budgeting import budgets_for
from konseho_cli.engine.caching import open_cache
from konseho_cli.engine.cast import Cast, cast_of
from konseho_cli.engine.casting import Casting, cast_models
from konseho_cli.engine.emitting import Emitting
from konseho_cli.engine.executing import open_programs
from konseho_cli.engine.executor import Execution, Interrupted
from konseho_cli.engine.holding import spill_folder
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import Plan, plan_of
from konseho_cli.engine.refusing import (
    refuse_no_task,
    refuse_programs,
    refuse_undecided,
    refuse_unheard,
)
from konseho_cli.engine.state import Premises
from konseho_cli.engine.storing import open_store
from konseho_cli.engine.taping import Taped, redactor_of
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.http import Http
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build, http_for
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.populations import populate
from konseho_cli.spec.settings import said_over
from konseho_cli.telemetry.bus import Bus, Subscription
from konseho_cli.telemetry.events import EVERYDAY

if TYPE_CHECKING:
    # Only a run that caches, that is kept, or that goes on, loads them.
    from konseho_cli.engine.keeping import Keeper
    from konseho_cli.engine.past import Past
    from konseho_cli.engine.programs import Programs
    from konseho_cli.engine.remembered import KeptOptions
    from konseho_cli.models.journal import Journal
    from konseho_cli.models.memory_tier import MemoryTier
    from konseho_cli.models.person import Desk
    from konseho_cli.models.tape import Tape
    from konseho_cli.store.base import RunEnded, Store


class _Gear(msgspec.Struct, kw_only=True):
    """What one run has of its own."""

    clock: Clock
    prices: Prices
    shared: Shared
    cache: ResponseCache | None
    keeper: Keeper | None
    programs: Programs | None


class Session:
    """A council that is ready to run: everything is checked, nothing has been called."""

    def __init__(
        self,
        loaded: Loaded,
        options: RunOptions,
        env: Mapping[str, str] | None = None,
        memory: Callable[[], MemoryTier] | None = None,
        store: Callable[[], Store] | None = None,
        desk: Callable[[], Desk] | None = None,
        http: Http | None = None,
    ) -> None:
        """`memory`: makes or finds what several runs share; None: this run begins with none.

        `store`: in the place of the one that `options.storing` states. `desk`: finds where
        people are asked, if there are any; None: nowhere. `http`: connections that the caller
        closes, and whose loop it runs on; None: this run opens its own.

        Raises UsageError: no task, no model chosen where answers decide, no key, nobody to ask, a
        population that the inputs do not fill.
        """
        began = RealClock.now()
        self.task = (loaded.spec.task or "") if options.task is None else options.task
        self._written = loaded
        loaded = populate(loaded, self.task, options.inputs)
        self.loaded = loaded
        """With members in place of populations."""
        self.spec: CouncilSpec = loaded.spec
        self.options = options
        self.targets: Targets = said_over(loaded.spec.targets, options.targets)
        """What the run is held to."""
        self._http = http
        self.emitting = Emitting(level=options.settings.level, file=options.events_out)
        self.plan: Plan = plan_of(loaded)
        self._env = os.environ if env is None else env
        self.taped = Taped(options.taping, options.wishes, self._env)
        self.casting: Casting = cast_models(
            self.spec, loaded.steps, self.taped.wishes, self.taped.chooses, loaded.councils
        )
        self._placed = dict(loaded.every_step())
        refuse_no_task(self.task, loaded.steps.values())
        if self.casting.unchosen:
            refuse_undecided(self.spec, options.targets, strict=options.strict)
        past = self._past = self._recall()
        if not self.taped.replays:
            due = [step for name, step in self._placed.items() if not (past and past.ended(name))]
            refuse_programs(due, self._env, allowed=options.allow_exec)
        persons = self.casting.persons
        self._desk = desk() if desk is not None and persons else None
        if persons and (self.taped.cassette is None or options.taping.miss == "call"):
            knows = (lambda *_: False) if self._past is None else self._past.knows
            refuse_unheard(self._placed, self.casting, self._desk, knows)
        self._cast(self._shared(Prices(), RealClock()))  # a missing key is found now
        self._memory = memory
        self._store = store
        self._execution: Execution | None = None
        self._stopped: KonsehoError | None = None
        self._ended: RunEnded | None = None
        self._creation_s = loaded.took_s + (RealClock.now() - began) / 1e9

    @property
    def models(self) -> tuple[str, ...]:
        """Full names of the models of this run."""
        return self.casting.models

    @property
    def simulated(self) -> bool:
        """Whether any agent is answered for by the simulator."""
        return self.casting.simulated

    @property
    def is_kept(self) -> bool:
        """Whether the run is written down, so that it can be resumed."""
        if self._store is not None:
            return True  # the caller's own: a profiler keeps a replay, too
        if self.taped.cassette is not None and self.options.taping.miss == "error":
            return False  # a copy of what is kept already
        return self.options.storing.enabled

    def kept_otherwise(self, exit_status: int) -> bool:
        """Whether another exit status than this was written down: it is then to be amended."""
        return self._ended is not None and self._ended.exit_status != exit_status

    async def amend(self, exit_status: int) -> None:
        """Say what the process ends with, where targets or a signal decide it. Raises StoreFailed."""
        if self._ended is None:
            return
        async with aclosing(open_store(self.options.storing, self._env)) as store:
            await store.write([structs.replace(self._ended, exit_status=exit_status)])

    def interrupt(self, signal: str) -> None:
        """End the run; what is finished is kept and the outcome says so. For signal handlers."""
        self._stopped = Interrupted(f"interrupted by {signal}")
        if self._execution is not None:
            self._execution.stop(self._stopped)

    async def run(self, subscriptions: Sequence[Subscription] = ()) -> RunOutcome:
        """Run once, on the running loop; under a virtual loop in virtual time.

        Raises StoreFailed where the store cannot be opened, UsageError where a file cannot be
        written: nothing was asked then.
        """
        loop = asyncio.get_running_loop()
        gear = self._gear(loop if isinstance(loop, VirtualLoop) else RealClock())
        if gear.keeper is None:
            return await self._run(subscriptions, gear)
        try:
            outcome = await self._run(subscriptions, gear)
            outcome = await gear.keeper.finish(outcome, gear.clock.wall())
            self._ended = gear.keeper.ended
            return outcome
        except asyncio.CancelledError:
            with suppress(StoreFailed):
                await gear.keeper.cut_off(gear.clock.wall())
            raise
        finally:
            with suppress(StoreFailed):
                await gear.keeper.aclose()

    def _gear(self, clock: Clock) -> _Gear:
        """All that this run needs of its own; nothing is opened yet."""
        prices = Prices()
        keeper, cache = self._keeper(prices, clock), self._open_cache(prices, clock)
        shared = self._shared(prices, clock, cache, keeper)
        return _Gear(
            clock=clock, prices=prices, shared=shared, cache=cache, keeper=keeper,
            programs=open_programs(
                self._placed.values(), shared, self.options.caching, clock,
                choices=self.casting.choices.values(), file=self.options.storing.file,
            ),
        )  # fmt: skip

    async def _run(self, subscriptions: Sequence[Subscription], gear: _Gear) -> RunOutcome:
        loop, clock, shared = asyncio.get_running_loop(), gear.clock, gear.shared
        bus = Bus(clock, loop.call_soon, self.emitting.most)
        for subscription in subscriptions:
            bus.subscribe(*subscription)
        async with AsyncExitStack() as opened:
            events = self.emitting.open(self._env, self.casting.choices.values(), clock.wall)
            if events is not None:
                opened.push_async_callback(asyncio.to_thread, events.close)
                bus.subscribe(events, self.emitting.usual)
            if gear.cache is not None:
                opened.push_async_callback(gear.cache.aclose)
            if shared.tape is not None:
                opened.callback(shared.tape.close)
            if shared.http is not self._http:
                opened.push_async_callback(shared.http.aclose)
            if gear.programs is not None:
                opened.push_async_callback(gear.programs.aclose)
            collect = opened.enter_context(collecting(self.options.settings.collection))
            execution = self._execution = Execution(
                self.plan, self._premises(gear, collect), clock, bus
            )
            await self._begin(execution, gear)
            if gear.keeper is not None and self.options.storing.events:
                kinds = self.emitting.most & EVERYDAY  # answers are there
                bus.subscribe(gear.keeper.events, kinds)
            outcome = await execution.run()
        cache, programs, now = gear.cache, gear.programs, loop.time()
        return structs.replace(
            outcome,
            replayed=self.taped.cassette is not None,
            resumed=None if self._past is None else self._past.resumed,
            simulated=outcome.simulated or (self._past is not None and self._past.simulated),
            services=tuple(
                service.state(now)
                for service in shared.services.values()
                if service.address or service.requests  # the simulator's are none
            ),
            cache=None if cache is None else cache.stats,
            results=None if programs is None else programs.stats,
            listeners=bus.listeners,
            creation_s=self._creation_s,
            warnings=(
                *outcome.warnings,
                *(() if cache is None else cache.warnings),
                *(() if programs is None else programs.warnings),
                *(() if events is None else events.warnings),
            ),
        )

    async def _begin(self, execution: Execution, gear: _Gear) -> None:
        """Write down that the run begins, before anything is asked."""
        if self._stopped is not None:
            execution.stop(self._stopped)
        premises, tape, keeper = execution.premises, gear.shared.tape, gear.keeper
        if tape is not None:
            self.taped.begin(tape, premises, self.casting, gear.clock, execution.stop)
        if keeper is not None:
            from konseho_cli.engine.remembered import remember

            began = remember(
                premises, self._written, self.casting,
                wished=self.taped.wished(self.casting), options=self._kept_options(),
                started=gear.clock.wall(), redactor=keeper.redactor,
            )  # fmt: skip
            await keeper.begin(began, execution)

    def _kept_options(self) -> KeptOptions:
        from konseho_cli.engine.remembered import KeptOptions

        names = KeptOptions.__struct_fields__
        return KeptOptions(**{name: getattr(self.options, name) for name in names})

    def _recall(self) -> Past | None:
        if self.options.resumed is None:
            return None
        from konseho_cli.engine.past import Past

        return Past(
            self.options.resumed, self.plan,
            on_error=self.spec.on_error, changed=self.options.changed,
        )  # fmt: skip

    def _keeper(self, prices: Prices, clock: Clock) -> Keeper | None:
        """None: the run is not kept."""
        if not self.is_kept:
            return None
        from konseho_cli.engine.keeping import Keeper

        store = self._store() if self._store else open_store(self.options.storing, self._env)
        redactor = redactor_of(self._env, self.casting.choices.values())
        return Keeper(
            store, redactor, prices.cost, clock.now(), self._past, self.options.storing.keep_s
        )

    def _open_cache(self, prices: Prices, clock: Clock) -> ResponseCache | None:
        """None where no call can use one; a replay asks its cassette alone, unless it is told to."""
        if self.taped.cassette is not None and not self.options.taping.caches:
            return None
        return open_cache(
            self.options.caching, self.casting.choices.values(), self._placed.values(),
            env=self._env, clock=clock, price=prices.cost, memory=self._memory,
            file=self.options.storing.file,
        )  # fmt: skip

    def _shared(
        self,
        prices: Prices,
        clock: Clock,
        cache: ResponseCache | None = None,
        keeper: Keeper | None = None,
    ) -> Shared:
        """What the models of one run have in common; nothing is opened yet."""
        concurrency = self._concurrency
        tape, tokens = self.taped.tape(self.casting, clock), TokenEstimator()
        return Shared(
            env=self._env,
            http=self._http
            or http_for(
                self.casting.choices,
                wall=clock.wall,
                on_open=lambda: prices.preload(self.casting.all_models),
            ),
            budgets=budgets_for(self.loaded, self.casting.choices, prices, tokens, self._past),
            tokens=tokens,
            slots=Slots(concurrency) if concurrency else None,
            warms=any(step.cache == "warm" for step in self._placed.values()),
            wall=clock.wall,
            cache=cache,
            tape=tape,
            journal=_joined(tape, keeper),
            desk=self._desk,
        )

    @property
    def _concurrency(self) -> int | None:
        """`max_concurrency`: who said it last; None: no limit."""
        said, settings = self.options.max_concurrency, self.options.settings
        return said or self.spec.max_concurrency or settings.max_concurrency

    def _cast(self, shared: Shared) -> Cast:
        whole = self._past is not None and self._past.is_whole  # nobody is asked, or needs a key
        idle = ModelChoice(provider="sim", model="")
        return cast_of(
            self.casting.choices, self.loaded.agents,
            lambda choice: build(idle if whole else choice, shared),
        )  # fmt: skip

    def _premises(self, gear: _Gear, collect: Callable[[], None]) -> Premises:
        """`collect`: looks for garbage where a step has ended."""
        spec, options, past, keeper = self.spec, self.options, self._past, gear.keeper
        limits = [limit for limit in (spec.limits.time, options.timeout_s) if limit is not None]
        return Premises(
            run=new_run_id(gear.clock.wall()) if past is None else past.stored.row.began.run,
            council=spec.name,
            task=self.task,
            inputs=options.inputs,
            cast=self._cast(gear.shared),
            price=gear.prices.cost,
            tokens=gear.shared.tokens,
            seed=self.taped.seed(options.seed, spec.seed),
            on_error=spec.on_error,
            time_limit_s=min(limits, default=None),
            before_s=self.taped.before_s,
            max_concurrency=self._concurrency,
            finished={} if past is None else past.finished(gear.clock.now() - past.offset),
            picked=self.taped.picked if past is None else past.picked,
            answer=spec.answer,
            gate=spec.gate,
            context=options.settings.context,
            spill_in=spill_folder(self._env),
            programs=gear.programs,
            ended=(
                *(() if keeper is None else (keeper.step_ended,)),
                lambda outcome, index: collect(),
            ),
            warnings=(
                *map(str, self.loaded.warnings),
                *self.casting.warnings,
                *self.taped.warnings,
            ),
        )


def _joined(tape: Tape | None, keeper: Keeper | None) -> Journal | None:
    """The journal of a run that is on tape, in the store, or both."""
    if tape is None or keeper is None:
        return tape or keeper
    from konseho_cli.models.journal import Journals

    return Journals(tape, keeper)
