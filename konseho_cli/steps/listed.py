"""The rules of every list of agents."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import agent_id


def check_agents(
    agents: Sequence[AgentRef], quorum: int | None, *, field: str = "agents", one: str = "agent"
) -> dict[str, str]:
    """The rules of every list of agents with a `quorum`; `one`: what each of them is called."""
    found: dict[str, str] = {}
    ids = [agent_id(agent) for agent in agents]
    once = len(set(ids)) == len(ids)
    if not ids:
        found[field] = f"at least one {one} is needed"
    elif not once:
        twice = next(agent for agent in sorted(ids) if ids.count(agent) > 1)
        found[field] = f"'{twice}' is listed twice"
    elif quorum is not None and quorum > len(ids):
        found["quorum"] = f"{quorum} is above the number of {one}s, {len(ids)}"
    return found


def check_order(order: str | None, batch: int | None) -> dict[str, str]:
    """Who comes first is a question only where not all are asked at once."""
    if order is None or batch is not None:
        return {}
    return {"order": "all are asked at once: only with a `batch` does anybody come first"}
