"""What one run has of its own: prices, caches, a store, connections, programs. Nothing is opened yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from konseho_cli.core.clock import Clock
from konseho_cli.core.slots import Slots
from konseho_cli.engine.budgeting import budgets_for
from konseho_cli.engine.caching import open_cache
from konseho_cli.engine.cast import Cast, cast_of
from konseho_cli.engine.casting import Casting
from konseho_cli.engine.executing import open_programs
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.storing import open_store
from konseho_cli.engine.taping import Taped, redactor_of
from konseho_cli.models.cache import ResponseCache
from konseho_cli.models.http import Http
from konseho_cli.models.prices import Prices
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared, build, http_for
from konseho_cli.models.tokens import TokenEstimator
from konseho_cli.spec.loaded import Loaded
from konseho_cli.steps.union import Step

if TYPE_CHECKING:
    # Only a run that caches, that is kept, or that goes on, loads them.
    from konseho_cli.engine.keeping import Keeper
    from konseho_cli.engine.past import Past
    from konseho_cli.engine.programs import Programs
    from konseho_cli.models.journal import Journal
    from konseho_cli.models.memory_tier import MemoryTier
    from konseho_cli.models.person import Desk
    from konseho_cli.models.tape import Tape
    from konseho_cli.store.base import Store


class Ready(msgspec.Struct, kw_only=True):
    """A council that is checked, with what its caller wishes: what all runs of it begin from."""

    loaded: Loaded
    options: RunOptions
    env: Mapping[str, str]
    placed: Mapping[str, Step]
    """Every step by its place."""
    taped: Taped
    casting: Casting
    past: Past | None = None
    """The run that goes on; None: none does."""
    desk: Desk | None = None
    """Where people are asked; None: nowhere."""
    memory: Callable[[], MemoryTier] | None = None
    """Makes or finds what several runs share; None: a run begins with none."""
    store: Callable[[], Store] | None = None
    """In the place of the one that the options state."""
    http: Http | None = None
    """Connections that the caller closes; None: a run opens its own."""

    @property
    def is_kept(self) -> bool:
        """Whether the run is written down, so that it can be resumed."""
        if self.store is not None:
            return True  # the caller's own: a profiler keeps a replay, too
        if self.taped.cassette is not None and self.options.taping.miss == "error":
            return False  # a copy of what is kept already
        return self.options.storing.enabled

    @property
    def max_concurrency(self) -> int | None:
        """Requests at once: who said it last; None: no limit."""
        said, settings = self.options.max_concurrency, self.options.settings
        return said or self.loaded.spec.max_concurrency or settings.max_concurrency


class Gear(msgspec.Struct, kw_only=True):
    """What one run has of its own."""

    clock: Clock
    prices: Prices
    shared: Shared
    cache: ResponseCache | None
    keeper: Keeper | None
    programs: Programs | None


def gear_of(ready: Ready, clock: Clock) -> Gear:
    """All that one run needs of its own."""
    prices = Prices()
    keeper, cache = _keeper(ready, prices, clock), _cache(ready, prices, clock)
    shared = shared_of(ready, prices, clock, cache, keeper)
    return Gear(
        clock=clock, prices=prices, shared=shared, cache=cache, keeper=keeper,
        programs=open_programs(
            ready.placed.values(), shared, ready.options.caching, clock,
            choices=ready.casting.choices.values(), file=ready.options.storing.file,
        ),
    )  # fmt: skip


def shared_of(
    ready: Ready,
    prices: Prices,
    clock: Clock,
    cache: ResponseCache | None = None,
    keeper: Keeper | None = None,
) -> Shared:
    """What the models of one run have in common."""
    casting, concurrency = ready.casting, ready.max_concurrency
    tape, tokens = ready.taped.tape(casting, clock), TokenEstimator()
    return Shared(
        env=ready.env,
        http=ready.http
        or http_for(
            casting.choices, wall=clock.wall, on_open=lambda: prices.preload(casting.all_models)
        ),
        budgets=budgets_for(ready.loaded, casting.choices, prices, tokens, ready.past),
        tokens=tokens,
        slots=Slots(concurrency) if concurrency else None,
        warms=any(step.cache == "warm" for step in ready.placed.values()),
        wall=clock.wall,
        cache=cache,
        tape=tape,
        journal=_joined(tape, keeper),
        desk=ready.desk,
    )


def cast_with(ready: Ready, shared: Shared) -> Cast:
    """Everybody's model, put together. Raises UsageError, e.g. for a key."""
    whole = ready.past is not None and ready.past.is_whole  # nobody is asked, or needs a key
    idle = ModelChoice(provider="sim", model="")
    return cast_of(
        ready.casting.choices, ready.loaded.agents,
        lambda choice: build(idle if whole else choice, shared),
    )  # fmt: skip


def _keeper(ready: Ready, prices: Prices, clock: Clock) -> Keeper | None:
    """None: the run is not kept."""
    if not ready.is_kept:
        return None
    from konseho_cli.engine.keeping import Keeper

    storing = ready.options.storing
    store = ready.store() if ready.store else open_store(storing, ready.env)
    redactor = redactor_of(ready.env, ready.casting.choices.values())
    return Keeper(store, redactor, prices.cost, clock.now(), ready.past, storing.keep_s)


def _cache(ready: Ready, prices: Prices, clock: Clock) -> ResponseCache | None:
    """None where no call can use one; a replay asks its cassette alone, unless it is told to."""
    if ready.taped.cassette is not None and not ready.options.taping.caches:
        return None
    return open_cache(
        ready.options.caching, ready.casting.choices.values(), ready.placed.values(),
        env=ready.env, clock=clock, price=prices.cost, memory=ready.memory,
        file=ready.options.storing.file,
    )  # fmt: skip


def _joined(tape: Tape | None, keeper: Keeper | None) -> Journal | None:
    """The journal of a run that is on tape, in the store, or both."""
    if tape is None or keeper is None:
        return tape or keeper
    from konseho_cli.models.journal import Journals

    return Journals(tape, keeper)
