"""A member of a population: an agent with a state of its own, and a role that is told when it speaks."""

from __future__ import annotations

from typing import Any

from konseho_cli.agents.definition import Agent
from konseho_cli.context.templates import render


class Member(Agent, frozen=True, kw_only=True, gc=False):
    """One of many who are alike: `role` stays the template that all of them share."""

    of: str
    """The population's id."""
    item: Any
    """Its state: what templates read as `{{ item }}`."""
    index: int
    """Its place in the population, from 1."""

    @property
    def system(self) -> str:
        """The system prompt as it is sent. Raises TemplateFailed."""
        return render(self.role, {"item": self.item, "index": self.index}).strip()


def item_of(agent: Agent) -> Any:
    """The state of a member; None: it is an agent like any other."""
    return agent.item if isinstance(agent, Member) else None
