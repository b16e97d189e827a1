"""The rules of every list of agents."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.agents.definition import AgentRef
from konseho_cli.steps.base import agent_id


def check_agents(agents: Sequence[AgentRef], quorum: int | None) -> dict[str, str]:
    """The rules of every `agents` list with a `quorum`."""
    found: dict[str, str] = {}
    ids = [agent_id(agent) for agent in agents]
    once = len(set(ids)) == len(ids)
    if not ids:
        found["agents"] = "at least one agent is needed"
    elif not once:
        twice = next(agent for agent in sorted(ids) if ids.count(agent) > 1)
        found["agents"] = f"'{twice}' is listed twice"
    elif quorum is not None and quorum > len(ids):
        found["quorum"] = f"{quorum} is above the number of agents, {len(ids)}"
    return found
