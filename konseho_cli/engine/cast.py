"""Who speaks in a run: every agent with the model that answers for it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import structs

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.models.base import Message, Model, Request
from konseho_cli.steps.base import JSON, agent_id


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """An agent that is ready to be asked."""

    id: str
    agent: Agent
    model: Model
    model_name: str
    """`provider:model`."""
    request: Request
    """Everything of a request that stays the same; its messages hold the role, if there is one."""
    window: int | None = None
    """Tokens that its model takes in, prompt and answer; None: prompts are sent as they are."""

    def ask(self, prompt: str, schema: Mapping[str, JSON] | None) -> Request:
        """The request for one prompt."""
        messages = (*self.request.messages, Message("user", prompt))
        return structs.replace(self.request, messages=messages, schema=schema)


class Cast(msgspec.Struct, frozen=True):
    """All speakers of a run by agent id."""

    speakers: Mapping[str, Speaker]

    def __getitem__(self, ref: AgentRef) -> Speaker:
        return self.speakers[agent_id(ref)]

    @property
    def models(self) -> tuple[str, ...]:
        """Full names of their models, each once."""
        return tuple(dict.fromkeys(speaker.model_name for speaker in self.speakers.values()))
