"""The moderators of debates and votes: one, or a pool of which the next one is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import msgspec

from konseho_cli.agents.definition import AgentRef
from konseho_cli.agents.rota import Pick
from konseho_cli.core.errors import ModelError, OwnLimitReached
from konseho_cli.steps.base import StepContext, agent_id

T = TypeVar("T")

MODERATOR = "moderator"
"""The item of a moderator's calls, and their label."""


class Moderators(msgspec.Struct, frozen=True, kw_only=True):
    """Who moderates a step, and how it is chosen who does it now."""

    agents: tuple[AgentRef, ...]
    by: Pick

    @property
    def ids(self) -> tuple[str, ...]:
        """Theirs."""
        return tuple(map(agent_id, self.agents))


def moderators_of(
    moderator: AgentRef | None, moderators: tuple[AgentRef, ...], by: Pick
) -> Moderators | None:
    """What the fields come to; None: nobody moderates."""
    agents = moderators if moderator is None else (moderator,)
    return Moderators(agents=agents, by=by) if agents else None


def check_moderators(
    moderator: AgentRef | None, moderators: tuple[AgentRef, ...]
) -> dict[str, str]:
    """One or a pool, not both; each once."""
    ids = list(map(agent_id, moderators))
    if moderator is not None and moderators:
        return {"moderators": "give a `moderator` or `moderators`, not both"}
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        return {"moderators": f"'{twice[0]}' is listed twice"}
    return {}


async def ask_one(
    ctx: StepContext,
    moderators: Moderators,
    ask: Callable[[AgentRef], Awaitable[T]],
    *,
    turn: int = 0,
    without: Collection[str] = (),
) -> T:
    """Ask whose turn it is, and the next one where it fails. Raises what the last one failed with.

    `without`: those who may not be asked; somebody must be left.
    """
    able, out = len(set(moderators.ids) - set(without)), list(without)
    while True:
        ref = ctx.pick(moderators.agents, moderators.by, item=MODERATOR, turn=turn, without=out)
        try:
            return await ask(ref)
        except (ModelError, OwnLimitReached) as error:
            able -= 1
            if not able:
                raise
            out.append(agent_id(ref))
            ctx.degrade(f"{agent_id(ref)} did not moderate: {error}")
