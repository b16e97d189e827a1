"""Whether a run uses answers again, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from konseho_cli.core.clock import Clock
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.taping import redactor_of
from konseho_cli.models.cache import CacheWishes, Price, ResponseCache, Tier
from konseho_cli.models.cached import may_cache
from konseho_cli.models.registry import ModelChoice
from konseho_cli.steps.base import Base

if TYPE_CHECKING:
    from konseho_cli.models.memory_tier import MemoryTier  # only a run that caches loads it


def open_cache(
    wishes: CacheWishes,
    choices: Collection[ModelChoice],
    steps: Iterable[Base],
    *,
    env: Mapping[str, str],
    clock: Clock,
    price: Price,
    memory: Callable[[], MemoryTier] | None = None,
    file: Path | None = None,
) -> ResponseCache | None:
    """The cache of one run; None where none of its calls can use one. Nothing is opened yet.

    `file`: the database; None: the one that the environment states, or that of the project.
    """
    if wishes.cache is False or wishes.size <= 0:
        return None
    # What is asked anew is kept: to refresh is to ask for the cache.
    asked, by_step = (
        wishes.cache is True or wishes.refresh,
        any(step.cache is True for step in steps),
    )
    if not any(may_cache(choice, env, asked=asked, by_step=by_step) for choice in choices):
        return None
    return ResponseCache(
        new_memory(wishes.size, clock.now) if memory is None else memory(),
        # the virtual clock waits for no thread: there, memory is all there is
        None if isinstance(clock, VirtualLoop) else _tier(env, file, clock.wall),
        price=price,
        asked=asked,
        by_step=by_step,
        refresh=wishes.refresh,
        hide=redactor_of(env, choices).hide,
    )


def new_memory(entries: int, now: Callable[[], int]) -> MemoryTier:
    """Memory for so many answers; `now` is a clock's."""
    from konseho_cli.models.memory_tier import MemoryTier

    return MemoryTier(now, entries=entries)


def _tier(env: Mapping[str, str], file: Path | None, wall: Callable[[], float]) -> Tier:
    """The answers in the store's file."""
    from konseho_cli.store.cache_tier import CacheTier
    from konseho_cli.store.location import locate

    return CacheTier(lambda: locate(env, file), wall)
