"""Which model answers for which agent: names, aliases and defaults resolved before any call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent
from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.models.base import PERSON, UNPAID
from konseho_cli.models.registry import (
    ModelChoice,
    claude_model,
    default_model,
    is_claude_word,
    parse_model_name,
)
from konseho_cli.spec.document import CouncilSpec, ModelSpec
from konseho_cli.spec.loaded import Loaded
from konseho_cli.steps.base import agent_id, speaker_ids
from konseho_cli.steps.blocks import every_step
from konseho_cli.steps.union import Step


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about models."""

    model: str | None = None
    """For agents that choose none; goes before the council's own `model`."""
    models: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Names of the file's `models` that stand for something else in this run."""
    simulate: bool = False
    """`sim` answers everything, whatever the file says."""


class Casting(msgspec.Struct, frozen=True, kw_only=True):
    """The choices for a run."""

    choices: Mapping[str, ModelChoice]
    """By agent id: those that the steps name."""
    unchosen: bool
    """Whether some agent gets `sim` only because nobody chose a model."""
    default: str = ""
    """The model of agents for whom nobody chose one; empty where there are none."""
    warnings: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Full names, each once, fallbacks left out."""
        return tuple(dict.fromkeys(choice.name for choice in self.choices.values()))

    @property
    def simulated(self) -> bool:
        """Whether any agent is answered for by the simulator."""
        return any(choice.provider == "sim" for choice in self.choices.values())

    @property
    def persons(self) -> tuple[str, ...]:
        """Agents that are people."""
        return tuple(name for name, each in self.choices.items() if each.provider == PERSON)

    @property
    def is_free(self) -> bool:
        """Whether nobody who costs anything can be asked, as a fallback neither."""
        return all(name.partition(":")[0] in UNPAID for name in self.all_models)

    @property
    def all_models(self) -> tuple[str, ...]:
        """Full names, fallbacks included."""
        return tuple(
            dict.fromkeys(name for choice in self.choices.values() for name in choice.names)
        )


def cast_models(
    spec: CouncilSpec,
    steps: Mapping[str, Step],
    wishes: Wishes,
    env: Mapping[str, str],
    councils: Mapping[str, Loaded] | None = None,
) -> Casting:
    """Choose for every agent that speaks, in the councils of its steps, too. Raises UsageError."""
    held = dict(inside(councils or {}))
    known = dict.fromkeys(
        name
        for each in (spec, *(council.spec for council in held.values()))
        for name in each.models
    )
    unknown = [name for name in wishes.models if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known) or f"known: {', '.join(known) or 'none'}"
        raise UsageError(f"--model {unknown[0]}=…: the council names no such model", hint=hint)
    resolver = _Resolver(spec, wishes, env)
    found = [
        (resolver, {name: resolver.choice(spec.agents[name]) for name in speaking(steps.values())})
    ]
    for place, council in held.items():
        own = _Resolver(council.spec, wishes, env)
        ids = speaking(council.steps.values())
        found.append(
            (own, {f"{place}.{name}": own.choice(council.spec.agents[name]) for name in ids})
        )
    every = {name: choice for _, choices in found for name, choice in choices.items()}
    return Casting(
        choices=every,
        unchosen=any(each.unchosen for each, _ in found),
        default=next((each.default for each, _ in found if each.default), ""),
        warnings=(
            *dict.fromkeys(warning for each, _ in found for warning in each.warnings),
            *_unheeded(wishes, [each for each, _ in found], every.values()),
        ),
    )


def _unheeded(
    wishes: Wishes, resolvers: Sequence[_Resolver], choices: Iterable[ModelChoice]
) -> tuple[str, ...]:
    """A model that was asked for and answers for nobody. Raises UsageError where it is none."""
    if wishes.model is None or wishes.simulate or any(each.heeded for each in resolvers):
        return ()
    resolvers[0].named(wishes.model)
    if all(choice.provider == PERSON for choice in choices):
        return ()
    return (f"model {wishes.model} answers for nobody: each agent names a model of its own",)


def inside(councils: Mapping[str, Loaded], around: str = "") -> Iterator[tuple[str, Loaded]]:
    """All councils that steps run, with their places."""
    for place, council in councils.items():
        yield f"{around}{place}", council
        yield from inside(council.councils, f"{around}{place}.")


def speaking(steps: Iterable[Step]) -> tuple[str, ...]:
    """Ids of all agents that the steps name, in the order in which they do."""
    found: dict[str, None] = {}
    for _, step in every_step(steps):
        found.update(dict.fromkeys(speaker_ids(step)))
        if step.fallback is not None and step.fallback.agent is not None:
            found[agent_id(step.fallback.agent)] = None
        if step.summariser is not None:
            found[agent_id(step.summariser)] = None
    return tuple(found)


class _Resolver:
    """Follows names to choices; asks for the default only when an agent needs it."""

    def __init__(self, spec: CouncilSpec, wishes: Wishes, env: Mapping[str, str]) -> None:
        self._spec = spec
        self._wishes = wishes
        self._env = env
        self._default: tuple[str, bool] | None = None
        self._known: dict[tuple[Any, ...], ModelChoice] = {}
        self.unchosen = False
        self.heeded = False
        """Whether somebody is answered for by the model that was asked for."""
        self.warnings: dict[str, None] = {}

    def choice(self, agent: Agent) -> ModelChoice:
        """The agent's model, with the agent's own parameters on top; one for all who are alike."""
        said = agent.model, agent.temperature, agent.max_tokens
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = self._choice(agent)
        return found

    def _choice(self, agent: Agent) -> ModelChoice:
        if self._wishes.simulate:
            return ModelChoice(provider="sim", model="")
        name = agent.model
        if name is not None and is_claude_word(name) and name not in self._spec.models:
            word, name = name, claude_model(name, self._env)
            if name is None and word != "inherit":
                self.warnings[f"model '{word}' needs ANTHROPIC_API_KEY: another one answers"] = None
        self.heeded |= name is None
        choice = self.named(name or self._wishes.model or self._spec.model or self._fallen_back())
        if agent.temperature is not None:
            choice = msgspec.structs.replace(choice, temperature=agent.temperature)
        if agent.max_tokens is not None:
            choice = msgspec.structs.replace(choice, max_tokens=agent.max_tokens)
        return choice

    @property
    def default(self) -> str:
        """The default, if anybody needed it."""
        return self._default[0] if self._default else ""

    def _fallen_back(self) -> str:
        if self._default is None:
            self._default = default_model(self._wishes.model, self._env)
        name, chosen = self._default
        self.unchosen |= not chosen
        return name

    def named(self, name: str) -> ModelChoice:
        """Follow aliases (the check has refused circles) down to a provider's. Raises UsageError."""
        replacement = self._wishes.models.get(name)
        if replacement is None and name in self._spec.models:
            model = self._spec.models[name]
            return self._with(self.named(model.use), model)
        try:
            provider, own_name = parse_model_name(replacement or name)
        except UsageError as error:
            if self._wishes.model or name != self._env.get("KONSEHO_MODEL", "").strip():
                raise
            raise UsageError(f"KONSEHO_MODEL: {error}", hint=error.hint) from None
        return ModelChoice(provider=provider, model=own_name)

    def _with(self, choice: ModelChoice, model: ModelSpec) -> ModelChoice:
        return msgspec.structs.replace(
            choice,
            base_url=model.base_url or choice.base_url,
            temperature=choice.temperature if model.temperature is None else model.temperature,
            top_p=choice.top_p if model.top_p is None else model.top_p,
            max_tokens=model.max_tokens or choice.max_tokens,
            stop=model.stop or choice.stop,
            seed=choice.seed if model.seed is None else model.seed,
            timeout_s=choice.timeout_s if model.timeout is None else float(model.timeout),
            attempts=model.attempts,
            fallback=tuple(self.named(other) for other in model.fallback) or choice.fallback,
            cooldown_s=choice.cooldown_s if model.cooldown is None else float(model.cooldown),
            rpm=model.rpm or choice.rpm,
            tpm=model.tpm or choice.tpm,
            concurrency=model.concurrency or choice.concurrency,
            hedge=model.hedge or choice.hedge,
            cache=choice.cache if model.cache is None else model.cache,
            window=model.window or choice.window,
        )
