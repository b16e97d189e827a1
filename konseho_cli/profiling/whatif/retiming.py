"""What a change does to a council: other times, other limits, other fields of its steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.agents.member import Member
from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.engine.casting import Casting, Wishes
from konseho_cli.models.registry import ModelChoice
from konseho_cli.profiling.whatif.changes import FIELDS, Changes, Pace, StepChange
from konseho_cli.profiling.whatif.standing_in import Retime
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded
from konseho_cli.steps.blocks import written_steps


class Changing(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The council that ran, and who answered."""

    loaded: Loaded
    """With members in place of populations."""
    document: Mapping[str, Any]
    """The same council as it could be written."""
    casting: Casting
    wishes: Wishes

    @cached_property
    def agents_of(self) -> Mapping[str, frozenset[str]]:
        """By a name of the file's `models`: the agents whose model goes by it."""
        spec, found = self.loaded.spec, dict.fromkeys(self.loaded.spec.models, frozenset[str]())
        for agent in self.casting.choices:
            if agent not in spec.agents:
                continue  # of a council inside, whose models go by names of their own
            name = spec.agents[agent].model or self.wishes.model or spec.model
            while name in spec.models:
                found[name] |= {agent}
                name = None if name in self.wishes.models else spec.models[name].use
        return found

    @cached_property
    def _populations(self) -> Mapping[str, str]:
        """By member: the population that it belongs to."""
        agents = self.loaded.spec.agents.items()
        return {name: agent.of for name, agent in agents if isinstance(agent, Member)}

    def retime(self, changes: Changes) -> Retime:
        """How long calls take. Raises UsageError for names that nobody has."""
        speaking = {*self.casting.choices, *self._populations.values()}
        for agent in changes.agents:
            _known("--agent", agent, speaking, "no agent of that name speaks in this run")
        for model in changes.models:
            self._check_model("--model", model)
        extra = round(changes.overhead_s * 1e9)
        known: dict[tuple[str, str], tuple[int | None, float]] = {}

        def retimed(agent: str, model: str, service: int) -> int:
            pace = known.get((agent, model))
            if pace is None:
                pace = known[agent, model] = _joined(self._paces(changes, agent, model))
            fixed, factor = pace
            return (round(service * factor) if fixed is None else fixed) + extra

        return retimed

    def _paces(self, changes: Changes, agent: str, model: str) -> list[Pace]:
        named = dict.fromkeys((agent, self._populations.get(agent, agent)))
        found = [changes.agents[name] for name in named if name in changes.agents]
        for name, pace in changes.models.items():
            if agent in self.agents_of.get(name, ()) or model == name:
                found.append(pace)
        return found

    def council(self, changes: Changes) -> Loaded:
        """With the fields that change. Raises UsageError for what no step has, or cannot be."""
        if not changes.steps:
            return self.loaded
        document = copy.deepcopy(dict(self.document))
        for change in changes.steps:
            self._set(document, change)
        try:
            return check_document(document)
        except InvalidCouncil as error:
            said = " ".join(
                f"--step {each.step}.{each.field}={each.value}" for each in changes.steps
            )
            raise UsageError(f"{said}: {error}") from error

    def _set(self, document: dict[str, Any], change: StepChange) -> None:
        steps: dict[str, Any] = dict(written_steps(document["steps"]))
        _known("--step", change.step, steps, "this run has no such step")
        kind = dict(self.loaded.every_step())[change.step]
        own = FIELDS & set(kind.__struct_fields__)
        if change.field not in own:
            hint = did_you_mean(change.field, own) or f"possible: {', '.join(sorted(own))}"
            raise UsageError(
                f"--step {change.step}.{change.field}=…: a what-if changes no such field "
                f"of a `{kind.kind}`", hint=hint,
            )  # fmt: skip
        steps[change.step][change.field] = change.value

    def limited(self, changes: Changes) -> Casting:
        """Who answers, with other limits. Raises UsageError for models that are not there."""
        if not changes.limits:
            return self.casting
        choices = dict(self.casting.choices)
        for (name, limit), number in changes.limits.items():
            option = "limit" if limit == "concurrency" else limit
            self._check_model(f"--{option}", name)
            # A service is shared by all who ask the same model, and the strictest limit holds.
            names = {name} | {choices[agent].name for agent in self.agents_of.get(name, ())}
            choices = {
                agent: _limited(choice, names, {limit: number}) for agent, choice in choices.items()
            }
        return structs.replace(self.casting, choices=choices)

    def _check_model(self, option: str, name: str) -> None:
        used = [alias for alias, agents in self.agents_of.items() if agents]
        _known(
            option,
            name,
            [*used, *self.casting.all_models],
            "no model of that name answers in this run",
        )


def _limited(choice: ModelChoice, names: set[str], limit: Mapping[str, int | None]) -> ModelChoice:
    others = tuple(_limited(other, names, limit) for other in choice.fallback)
    own = limit if choice.name in names else {}
    return structs.replace(choice, fallback=others, **own)


def _joined(paces: list[Pace]) -> tuple[int | None, float]:
    """A time in nanoseconds that holds for each call, or None, and the product of the factors."""
    factor = 1.0
    fixed = [pace.fixed_s for pace in paces if pace.fixed_s is not None]
    for pace in paces:
        factor *= pace.factor
    return (round(fixed[0] * factor * 1e9) if fixed else None), factor


def _known(option: str, name: str, known: Any, what: str) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or f"known: {', '.join(known) or 'none'}"
        raise UsageError(f"{option} {name}=…: {what}", hint=hint)
