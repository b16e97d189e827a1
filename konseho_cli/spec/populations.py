"""Populations: agents of which there is one for every item of a list. Expanded before the plan is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import structs

from konseho_cli.agents.definition import Agent
from konseho_cli.agents.member import Member
from konseho_cli.context.templates import evaluate, references
from konseho_cli.core.errors import InvalidCouncil, Problem, TemplateFailed
from konseho_cli.core.source import shown_path
from konseho_cli.spec.loaded import Loaded
from konseho_cli.spec.members import MOST, Wrong, ids_of, unreadable, weight_of, wrong_items
from konseho_cli.steps.blocks import every_step, expanded
from konseho_cli.steps.union import Step

_SHARED = tuple(
    name for name in Agent.__struct_fields__ if name not in ("name", "each", "weight", "from_")
)


def specimen(loaded: Loaded) -> Loaded:
    """The council with two members of each population, for looking at what they are asked.

    Where nobody knows them yet, their states are made of what is read of them.
    """
    spec = loaded.spec
    if all(agent.each is None for agent in spec.agents.values()):
        return loaded
    texts = [text for step in spec.steps for text in _texts(step)]
    agents = {
        name: agent if agent.each is None
        else structs.replace(agent, name="", weight=1.0, each=_specimens(agent, texts))
        for name, agent in spec.agents.items()
    }  # fmt: skip
    steps = {  # so few are no quorum of anything
        name: structs.replace(step, quorum=None) if getattr(step, "quorum", None) else step
        for name, step in loaded.steps.items()
    }
    few = structs.replace(spec, agents=agents, steps=tuple(steps.values()))
    return populate(structs.replace(loaded, spec=few, steps=MappingProxyType(steps)), "", {})


def _specimens(agent: Agent, texts: Sequence[str]) -> list[Any]:
    if isinstance(agent.each, list):
        return agent.each[:2] if len(agent.each) > 1 else agent.each * 2
    paths = sorted(path for text in (agent.role, *texts) for path in references(text))
    state: dict[str, Any] = {}
    for path in paths:
        first, *keys = path.split(".")
        if first == "item" and keys:
            inner = state
            for key in keys[:-1]:
                within = inner.get(key)
                inner[key] = inner = within if isinstance(within, dict) else {}
            inner[keys[-1]] = f"(its {keys[-1]})"
    return [state or "(an item)"] * 2


def _texts(step: Step) -> list[str]:
    said = (getattr(step, field) for field in step.templates)
    return [text for text in said if isinstance(text, str)]


def populate(loaded: Loaded, task: str, inputs: Mapping[str, Any]) -> Loaded:
    """The council with members in place of its populations; itself, where there are none.

    Raises InvalidCouncil that names the population, and the index of the item.
    """
    if loaded.councils:
        inside = {place: _inside(each) for place, each in loaded.councils.items()}
        loaded = structs.replace(loaded, councils=inside)
    spec = loaded.spec
    if all(agent.each is None for agent in spec.agents.values()):
        return loaded
    file = "" if loaded.file is None else shown_path(loaded.file)
    agents: dict[str, Agent] = {}
    members: dict[str, tuple[str, ...]] = {}
    for name, agent in spec.agents.items():
        if agent.each is None:
            _add(agents, name, agent, file)
            continue
        found = _members(name, agent, {"task": task, "inputs": inputs}, file)
        members[name] = tuple(found)
        for own, member in found.items():
            _add(agents, own, member, file)
    if sum(map(len, members.values())) > MOST:
        raise _invalid([(("agents",), f"more than {MOST:,} members are too many")], file)
    steps = {name: expanded(step, members) for name, step in loaded.steps.items()}
    _hold_rules(loaded.steps, steps, file)
    return structs.replace(
        loaded,
        spec=structs.replace(spec, agents=agents, steps=tuple(steps.values())),
        steps=MappingProxyType(steps),
    )


def _inside(council: Loaded) -> Loaded:
    """A council that a step runs: nobody knows its inputs before the run."""
    file = "" if council.file is None else shown_path(council.file)
    for name, agent in council.spec.agents.items():
        if isinstance(agent.each, str):
            what = "inside another council it is a list or a file: its inputs are known too late"
            raise _invalid([(("agents", name, "each"), what)], file)
    return populate(council, "", {})


def _add(agents: dict[str, Agent], name: str, agent: Agent, file: str) -> None:
    if agents.setdefault(name, agent) is not agent:
        raise _invalid([(("agents", name), f"there is another agent '{name}'")], file)


def _members(name: str, agent: Agent, names: Mapping[str, Any], file: str) -> dict[str, Member]:
    place = ("agents", name)
    items = agent.each
    if isinstance(items, str):
        try:
            items = evaluate(items, names)
        except TemplateFailed as error:
            raise _invalid([((*place, "each"), str(error))], file) from None
    if what := unreadable(items):
        raise _invalid([((*place, "each"), what)], file)
    assert isinstance(items, list)
    if not isinstance(agent.each, list) and (wrong := wrong_items(agent, items)):
        raise _invalid([((*place, "each", at), what) for at, what in wrong], file)
    shared = {field: getattr(agent, field) for field in _SHARED}
    try:
        return {
            own: Member(of=name, item=item, index=at, weight=weight_of(agent, item, at), **shared)
            for at, (own, item) in enumerate(zip(ids_of(name, agent, items), items, strict=True), 1)
        }
    except Wrong as error:
        raise _invalid([((*place, "each", error.at), str(error))], file) from None


def _hold_rules(before: Mapping[str, Step], steps: Mapping[str, Step], file: str) -> None:
    """What could not be known of a step before its members were there."""
    known = every_step(before.values())
    places = {name: ("steps", at) for at, name in enumerate(steps)}
    wrong = [
        ((*places.get(place, ("steps", place)), field), what)
        for (place, step), (_, old) in zip(every_step(steps.values()), known, strict=True)
        if step is not old
        for field, what in step.check().items()
    ]
    if wrong:
        raise _invalid(wrong, file)


def _invalid(wrong: Sequence[tuple[tuple[str | int, ...], str]], file: str) -> InvalidCouncil:
    from konseho_cli.core.marks import path_text

    return InvalidCouncil([Problem(path_text(path), what, file=file) for path, what in wrong])
