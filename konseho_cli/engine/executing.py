"""Whether a run executes programs, and what it has for that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from konseho_cli.core.clock import Clock
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.taping import redactor_of
from konseho_cli.models.cache import CacheWishes, ResponseCache
from konseho_cli.models.registry import ModelChoice
from konseho_cli.models.stack import Shared
from konseho_cli.steps.base import Base

if TYPE_CHECKING:
    from konseho_cli.engine.programs import Programs  # only a council with commands loads it


def open_programs(
    steps: Iterable[Base],
    shared: Shared,
    wishes: CacheWishes,
    clock: Clock,
    *,
    choices: Collection[ModelChoice],
    file: Path | None,
) -> Programs | None:
    """For one run; None: no step executes any. Nothing is opened, and nothing executed yet."""
    if not any(step.programs() for step in steps):
        return None
    from konseho_cli.engine.programs import Programs
    from konseho_cli.models.program import Place
    from konseho_cli.store.location import locate

    redactor = redactor_of(shared.env, choices)
    find = partial(locate, shared.env, file)
    replays = shared.tape is not None and shared.tape.replays  # the cassette alone answers
    return Programs(
        Place(root=Path.cwd(), env=shared.env, redactor=redactor),
        journal=shared.journal,
        tape=shared.tape,
        results=None if replays else _results(wishes, clock, redactor.hide, find),
        file=None if isinstance(clock, VirtualLoop) else find,
        wall=clock.wall,
    )


def _results(
    wishes: CacheWishes, clock: Clock, hide: Callable[[str], str], file: Callable[[], Path]
) -> ResponseCache | None:
    """What may be used again; None: everything is executed."""
    if wishes.cache is False or wishes.size <= 0:
        return None
    from konseho_cli.models.memory_tier import MemoryTier
    from konseho_cli.store.cache_table import RESULTS, RESULTS_TTL_S, CacheTable
    from konseho_cli.store.cache_tier import CacheTier

    ttl_ns = round(RESULTS_TTL_S * 1e9)
    virtual = isinstance(clock, VirtualLoop)
    return ResponseCache(
        MemoryTier(clock.now, entries=RESULTS, ttl_ns=ttl_ns),
        None if virtual else CacheTier(file, clock.wall, CacheTable.of_results),
        refresh=wishes.refresh,
        hide=hide,
    )
