"""Who speaks in a run: every agent with the model that answers for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import structs

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.agents.member import Member
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
    """Everything of a request that stays the same; its messages hold the role, if there is one.
    The members of a population share it, and tell their roles when they are asked."""
    window: int | None = None
    """Tokens that its model takes in, prompt and answer; None: prompts are sent as they are."""

    @property
    def opening(self) -> tuple[Message, ...]:
        """What stands before every prompt: the role. Raises TemplateFailed."""
        return _told(self.agent) if isinstance(self.agent, Member) else self.request.messages

    def ask(self, prompt: str, schema: Mapping[str, JSON] | None) -> Request:
        """The request for one prompt. Raises TemplateFailed."""
        messages = (*self.opening, Message("user", prompt))
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
    known: dict[int, _Kind] = {}
    alike: dict[ModelChoice, _Kind] = {}
    casts: dict[str, dict[str, Speaker]] = {"": {}}
    for key, choice in choices.items():
        if id(choice) not in known:
            if choice not in alike:
                request = choice.adapt(Request(model=choice.model, messages=()))
                alike[choice] = _Kind(build(choice), request, choice.name, choice.window)
            known[id(choice)] = alike[choice]
        place, _, name = key.rpartition(".")
        casts.setdefault(place, {})[name] = _speaker(name, agents[key], known[id(choice)])
    return Cast(casts.pop(""), casts)


class _Kind(NamedTuple):
    """What all speakers with one choice have in common."""

    model: Model
    request: Request
    name: str
    window: int | None


def _speaker(name: str, agent: Agent, kind: _Kind) -> Speaker:
    request = kind.request
    if not isinstance(agent, Member):
        request = structs.replace(request, messages=_told(agent))
    return Speaker(
        id=name, agent=agent, model=kind.model, model_name=kind.name, request=request,
        window=kind.window,
    )  # fmt: skip


def _told(agent: Agent) -> tuple[Message, ...]:
    role = agent.system
    return (Message("system", role),) if role else ()
