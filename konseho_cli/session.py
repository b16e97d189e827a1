"""The wiring, with `engine/gear.py`: from a checked council and a caller's wishes to a run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING

from msgspec import structs

from konseho_cli.core.clock import RealClock
from konseho_cli.core.collecting import collecting
from konseho_cli.core.errors import KonsehoError, StoreFailed
from konseho_cli.core.hashing import new_run_id
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.casting import Casting, cast_models
from konseho_cli.engine.emitting import Emitting
from konseho_cli.engine.executor import Execution, Interrupted
from konseho_cli.engine.gear import Gear, Ready, cast_with, gear_of, shared_of
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
from konseho_cli.engine.taping import Taped
from konseho_cli.models.http import Http
from konseho_cli.models.prices import Prices
from konseho_cli.spec.document import CouncilSpec, Targets
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.populations import populate
from konseho_cli.spec.settings import said_over
from konseho_cli.telemetry.bus import Bus, Subscription
from konseho_cli.telemetry.events import EVERYDAY

if TYPE_CHECKING:
    # Only a run that caches, that is kept, or that goes on, loads them.
    from konseho_cli.engine.past import Past
    from konseho_cli.engine.remembered import KeptOptions
    from konseho_cli.models.memory_tier import MemoryTier
    from konseho_cli.models.person import Desk
    from konseho_cli.store.base import RunEnded, Store


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
        self.spec: CouncilSpec = loaded.spec
        self.targets: Targets = said_over(loaded.spec.targets, options.targets)
        """What the run is held to."""
        self.emitting = Emitting(level=options.settings.level, file=options.events_out)
        self.plan: Plan = plan_of(loaded)
        env = os.environ if env is None else env
        taped = Taped(options.taping, options.wishes, env)
        casting = cast_models(self.spec, loaded.steps, taped.wishes, taped.chooses, loaded.councils)
        self.ready = Ready(
            loaded=loaded, options=options, env=env, placed=dict(loaded.every_step()),
            taped=taped, casting=casting, past=_recall(self.plan, self.spec, options),
            memory=memory, store=store, http=http,
        )  # fmt: skip
        """What its run begins from."""
        self._refuse()
        self.ready.desk = self._find(desk)
        shared = shared_of(self.ready, Prices(), RealClock())
        cast_with(self.ready, shared)  # a missing key is found now
        self._execution: Execution | None = None
        self._stopped: KonsehoError | None = None
        self._ended: RunEnded | None = None
        self._creation_s = loaded.took_s + (RealClock.now() - began) / 1e9

    def _refuse(self) -> None:
        """What cannot be run, or must not. Raises UsageError."""
        ready, options = self.ready, self.options
        refuse_no_task(self.task, self.loaded.steps.values())
        if self.casting.unchosen:
            refuse_undecided(self.spec, options.targets, strict=options.strict)
        if not self.taped.replays:
            past = ready.past
            due = [step for name, step in ready.placed.items() if not (past and past.ended(name))]
            refuse_programs(due, ready.env, allowed=options.allow_exec)

    def _find(self, desk: Callable[[], Desk] | None) -> Desk | None:
        """Where people are asked, if there are any. Raises UsageError where nobody could answer."""
        persons, past = self.casting.persons, self.ready.past
        found = desk() if desk is not None and persons else None
        if persons and (self.taped.cassette is None or self.options.taping.miss == "call"):
            knows = (lambda *_: False) if past is None else past.knows
            refuse_unheard(self.ready.placed, self.casting, found, knows)
        return found

    @property
    def loaded(self) -> Loaded:
        """The council, with members in place of populations."""
        return self.ready.loaded

    @property
    def options(self) -> RunOptions:
        """What the caller wishes."""
        return self.ready.options

    @property
    def taped(self) -> Taped:
        """What the run has to do with a cassette."""
        return self.ready.taped

    @property
    def casting(self) -> Casting:
        """Who answers for whom."""
        return self.ready.casting

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
        return self.ready.is_kept

    def kept_otherwise(self, exit_status: int) -> bool:
        """Whether another exit status than this was written down: it is then to be amended."""
        return self._ended is not None and self._ended.exit_status != exit_status

    async def amend(self, exit_status: int) -> None:
        """Say what the process ends with, where targets or a signal decide it. Raises StoreFailed."""
        if self._ended is None:
            return
        async with aclosing(open_store(self.options.storing, self.ready.env)) as store:
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
        gear = gear_of(self.ready, loop if isinstance(loop, VirtualLoop) else RealClock())
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

    async def _run(self, subscriptions: Sequence[Subscription], gear: Gear) -> RunOutcome:
        loop, clock, shared = asyncio.get_running_loop(), gear.clock, gear.shared
        bus = Bus(clock, loop.call_soon, self.emitting.most)
        for subscription in subscriptions:
            bus.subscribe(*subscription)
        async with AsyncExitStack() as opened:
            events = self.emitting.open(self.ready.env, self.casting.choices.values(), clock.wall)
            if events is not None:
                opened.push_async_callback(asyncio.to_thread, events.close)
                bus.subscribe(events, self.emitting.usual)
            if gear.cache is not None:
                opened.push_async_callback(gear.cache.aclose)
            if shared.tape is not None:
                opened.callback(shared.tape.close)
            if shared.http is not self.ready.http:
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
            resumed=None if self.ready.past is None else self.ready.past.resumed,
            simulated=outcome.simulated
            or (self.ready.past is not None and self.ready.past.simulated),
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

    async def _begin(self, execution: Execution, gear: Gear) -> None:
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

    def _premises(self, gear: Gear, collect: Callable[[], None]) -> Premises:
        """`collect`: looks for garbage where a step has ended."""
        spec, options, past, keeper = self.spec, self.options, self.ready.past, gear.keeper
        limits = [limit for limit in (spec.limits.time, options.timeout_s) if limit is not None]
        return Premises(
            run=new_run_id(gear.clock.wall()) if past is None else past.stored.row.began.run,
            council=spec.name,
            task=self.task,
            inputs=options.inputs,
            cast=cast_with(self.ready, gear.shared),
            price=gear.prices.cost,
            tokens=gear.shared.tokens,
            seed=self.taped.seed(options.seed, spec.seed),
            on_error=spec.on_error,
            time_limit_s=min(limits, default=None),
            before_s=self.taped.before_s,
            max_concurrency=self.ready.max_concurrency,
            finished={} if past is None else past.finished(gear.clock.now() - past.offset),
            picked=self.taped.picked if past is None else past.picked,
            answer=spec.answer,
            gate=spec.gate,
            context=options.settings.context,
            spill_in=spill_folder(self.ready.env),
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


def _recall(plan: Plan, spec: CouncilSpec, options: RunOptions) -> Past | None:
    """The run that goes on."""
    if options.resumed is None:
        return None
    from konseho_cli.engine.past import Past

    return Past(options.resumed, plan, on_error=spec.on_error, changed=options.changed)
