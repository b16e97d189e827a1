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
    """All speakers of a run by agent id; each council inside of it has speakers of its own."""

    speakers: Mapping[str, Speaker]
    inside: Mapping[str, Mapping[str, Speaker]] = {}
    """Those of councils that steps run, by the places of the steps."""

    def within(self, place: str) -> Cast:
        """The cast of the council of a step."""
        return Cast(self.inside.get(place, {}), self.inside)

    def __getitem__(self, ref: AgentRef) -> Speaker:
        return self.speakers[agent_id(ref)]

    @property
    def models(self) -> tuple[str, ...]:
        """Full names of their models, each once."""
        casts = (self.speakers, *self.inside.values())
        return tuple(dict.fromkeys(each.model_name for cast in casts for each in cast.values()))


def cast_of(
    choices: Mapping[str, ModelChoice],
    agents: Mapping[str, Agent],
    build: Callable[[ModelChoice], Model],
) -> Cast:
    """Put every agent's model together; equal choices share one.

    The keys are ids, with the place of its council before that of an agent inside: `review.ann`.
    """
    models = {choice: build(choice) for choice in dict.fromkeys(choices.values())}
    casts: dict[str, dict[str, Speaker]] = {"": {}}
    for key, choice in choices.items():
        place, _, name = key.rpartition(".")
        casts.setdefault(place, {})[name] = _speaker(name, agents[key], choice, models)
    return Cast(casts.pop(""), casts)


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
