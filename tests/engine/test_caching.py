from __future__ import annotations

from typing import Any

from konseho_cli.core.clock import RealClock
from konseho_cli.core.virtual import VirtualLoop, run_virtual
from konseho_cli.engine.caching import new_memory, open_cache
from konseho_cli.models.cache import CacheWishes, ResponseCache
from konseho_cli.models.registry import ModelChoice
from konseho_cli.steps.ask import Ask

COLD = ModelChoice(provider="openai", model="m", temperature=0.0)
WARM = ModelChoice(provider="openai", model="m")


def opened(
    wishes: CacheWishes, choice: ModelChoice, *, step: Any = None, clock: Any = None, **more: Any
) -> ResponseCache | None:
    return open_cache(
        wishes, [choice], [Ask(agent="a", cache=step)], env={}, clock=clock or RealClock(),
        price=lambda model, usage: None, **more,
    )  # fmt: skip


def test_a_run_that_can_use_no_answer_again_has_no_cache() -> None:
    assert opened(CacheWishes(), WARM) is None
    assert opened(CacheWishes(cache=False), COLD) is None
    assert opened(CacheWishes(size=0), COLD) is None
    assert opened(CacheWishes(), WARM, step="warm") is None


def test_one_that_can_has_one() -> None:
    assert opened(CacheWishes(), COLD) is not None
    assert opened(CacheWishes(), WARM, step=True) is not None
    asked = opened(CacheWishes(cache=True, refresh=True), WARM)
    assert asked is not None
    assert (asked.asked, asked.refresh, asked.has_below) == (True, True, True)


def test_the_memory_that_is_handed_in_is_made_only_where_it_is_used() -> None:
    made: list[object] = []

    def memory() -> Any:
        made.append(new_memory(1, RealClock.now))
        return made[-1]

    assert opened(CacheWishes(), WARM, memory=memory) is None
    assert made == []
    assert opened(CacheWishes(), COLD, memory=memory) is not None
    assert len(made) == 1


def test_in_virtual_time_memory_is_all_there_is() -> None:
    async def main(loop: VirtualLoop) -> bool:
        cache = opened(CacheWishes(), COLD, clock=loop)
        return cache is not None and not cache.has_below

    assert run_virtual(main)
