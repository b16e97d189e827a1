"""What steps with many agents share: who comes first, when it is enough, who debates with whom."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized
from typing import TypeVar

from konseho_cli.agents.definition import AgentRef
from konseho_cli.agents.member import item_of
from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.base import JSON, StepContext, Template, Wait, agent_id

T = TypeVar("T")


def state_of(ctx: StepContext, ref: AgentRef) -> JSON:
    """What a prompt reads as `item`: the state of a member; None: it is no member."""
    return item_of(ctx.agent(ref))


class Turns:
    """Who may begin: at most so many at a time, each once all that it comes after have ended."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        batch: int | None = None,
        after: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`after`: of `names` alone, and without a circle, or it never ends."""
        everybody = tuple(names)
        self.waiting = len(everybody)
        """How many have not begun."""
        self._free = len(everybody) if batch is None else batch
        self._needs = {name: set(others) for name, others in (after or {}).items() if others}
        self._ready = deque(name for name in everybody if name not in self._needs)
        self._followers: dict[str, list[str]] = {}
        for name in everybody:
            for other in self._needs.get(name, ()):
                self._followers.setdefault(other, []).append(name)

    def take(self) -> str | None:
        """Who begins now; None: nobody may."""
        if not self._free or not self._ready:
            return None
        self._free -= 1
        self.waiting -= 1
        return self._ready.popleft()

    def ended(self, name: str) -> None:
        """It has, however: others may begin."""
        self._free += 1
        for other in self._followers.pop(name, ()):
            self._needs[other].discard(name)
            if not self._needs[other]:
                self._ready.append(other)


def as_given(names: Iterable[str], found: Mapping[str, T]) -> dict[str, T]:
    """Of what came in any order, in the order of the names."""
    return {name: found[name] for name in names if name in found}


def is_over(
    done: Mapping[str, T],
    failed: Sized,
    asked: int,
    *,
    quorum: int,
    wait: Wait,
    enough: Callable[[Mapping[str, T]], bool] | None,
) -> bool:
    """Whether the rest of those that are gathered is not needed, or can change nothing any more."""
    return (
        len(done) + len(failed) == asked
        or asked - len(failed) < quorum
        or (wait == "quorum" and len(done) >= quorum)
        or (enough is not None and enough(done))
    )


def in_order(
    ctx: StepContext, agents: Sequence[AgentRef], order: Template | None
) -> tuple[AgentRef, ...]:
    """Whose value is lower comes first; equal ones as they are listed. Raises StepFailed."""
    if order is None:
        return tuple(agents)
    values: list[float | str] = []
    for ref in agents:
        name = agent_id(ref)
        value = ctx.evaluate(order, agent=name, item=state_of(ctx, ref))
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise StepFailed(ctx.step, f"`order` of {name} is {value!r:.60}, not a number or text")
        if values and isinstance(value, str) is not isinstance(values[0], str):
            what = f"`order` of {name} is {value!r:.60}, and {values[0]!r:.60} of another"
            raise StepFailed(ctx.step, f"{what}: a number and text have no order")
        values.append(value)
    places = sorted(range(len(values)), key=lambda at: values[at])
    return tuple(agents[at] for at in places)


def dealt(
    agents: Sequence[T], size: int, chance: random.Random | None
) -> tuple[tuple[T, ...], ...]:
    """Groups of at most `size` and as equal as can be; nobody is left alone.

    One after the other in the order that is given, or, with `chance`, in one that is drawn.
    """
    order = list(agents)
    if chance is not None:
        chance.shuffle(order)
    count = min(-(-len(order) // size), max(1, len(order) // 2))
    least, more = divmod(len(order), count)
    groups: list[tuple[T, ...]] = []
    start = 0
    for place in range(count):
        end = start + least + (place < more)
        groups.append(tuple(order[start:end]))
        start = end
    return tuple(groups)
