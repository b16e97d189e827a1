"""Who speaks in a run: every agent with the model that answers for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import structs

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.models.base import Message, Model, Request
from konseho_cli.models.registry import ModelChoice
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


def cast_of(
    choices: Mapping[str, ModelChoice],
    agents: Mapping[str, Agent],
    build: Callable[[ModelChoice], Model],
) -> Cast:
    """Put every agent's model together, by the agent's id; equal choices share one."""
    models = {choice: build(choice) for choice in dict.fromkeys(choices.values())}
    return Cast(
        {name: _speaker(name, agents[name], choice, models) for name, choice in choices.items()}
    )


def _speaker(
    name: str, agent: Agent, choice: ModelChoice, models: Mapping[ModelChoice, Model]
) -> Speaker:
    messages = (Message("system", agent.role.strip()),) if agent.role.strip() else ()
    return Speaker(
        id=name,
        agent=agent,
        model=models[choice],
        model_name=choice.name,
        request=choice.adapt(Request(model=choice.model, messages=messages)),
        window=choice.window,
    )
