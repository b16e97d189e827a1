"""What steps with many agents share: whose turn comes first, when it is enough, who debates with whom."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import TypeVar

from konseho_cli.agents.definition import AgentRef
from konseho_cli.agents.member import item_of
from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.base import JSON, StepContext, Template, Wait, agent_id

T = TypeVar("T")


def state_of(ctx: StepContext, ref: AgentRef) -> JSON:
    """What a prompt reads as `item`: the state of a member; None: it is no member."""
    return item_of(ctx.agent(ref))


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
