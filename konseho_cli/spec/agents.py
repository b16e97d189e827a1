"""Agents: files are read, agents written inside steps join the table, and all names are known."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.agents.definition import ID_PATTERN, Agent, AgentRef, People
from konseho_cli.core import marks
from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.spec.agent_files import from_file, hint_of_name, inside
from konseho_cli.spec.draft import Draft, with_held
from konseho_cli.spec.members import LONGEST_ID, unreadable, wrong_items
from konseho_cli.spec.problems import listed, shown
from konseho_cli.spec.stand_ins import AGENT
from konseho_cli.steps.fields import Fallback, Window
from konseho_cli.steps.union import Step

_ID = re.compile(ID_PATTERN)


def settle_agents(draft: Draft) -> None:
    """Fill `draft.agents`, and leave only ids in the steps."""
    draft.agents = dict(draft.spec.agents)
    for name, agent in draft.spec.agents.items():
        path = ("agents", name)
        if agent.from_ is not None:
            agent = from_file(draft, agent, path)
        draft.agents[name] = _settled(draft, name, agent, path)
    used: set[str] = set()
    usual = _Refs(draft, used, ()).window(draft.spec.window)

    def settle(steps: Sequence[Step], around: marks.Path) -> list[Step]:
        settled: list[Step] = []
        for index, step in enumerate(steps):
            place = (*around, index)
            own = with_held(_Refs(draft, used, place, step.id).settle(step), place, settle)
            if own.window is None and usual is not None and own.shows_earlier:
                own = msgspec.structs.replace(own, window=usual)
            settled.append(own)
        return settled

    draft.steps = settle(draft.steps, ("steps",))
    for name in draft.spec.agents:
        if name not in used:
            draft.problems.warn(("agents", name), f"agent '{name}' is not used", key=True)


def _settled(draft: Draft, name: str, agent: Agent, path: marks.Path) -> Agent:
    """The agent with its files read; a population's items, where they are known, can be filled in."""
    draft.places.setdefault(name, path)
    if agent.each is None:
        weight: Any = agent.weight
        if isinstance(weight, str):
            what = f"expected a number above 0, got {shown(weight)}"
            draft.problems.error((*path, "weight"), what, value=weight)
        return agent
    if len(name) > LONGEST_ID:
        what = f"the id of a population has at most {LONGEST_ID} characters"
        draft.problems.error(path, what, key=True)
    if isinstance(agent.each, People):
        found = _people(draft, agent.each, (*path, "each"))
        agent = agent if found is None else msgspec.structs.replace(agent, each=found)
    if isinstance(agent.each, list):
        unusable = unreadable(agent.each)
        if unusable is not None:
            draft.problems.error((*path, "each"), unusable)
        for at, what in wrong_items(agent, agent.each):
            draft.problems.error((*path, "each", at), what)
    return agent


def _people(draft: Draft, people: People, place: marks.Path) -> list[Any] | None:
    """The items in a file; None: it cannot be read, and the problems say why."""
    from konseho_cli.spec.people import SUFFIXES, read_people  # only where there are some

    written = draft.written(place)
    if isinstance(written, dict) and not isinstance(written.get("file"), str):
        return None  # that is told, and what stands in for it names nobody's file
    file = inside(draft, people.file, (*place, "file"), what="people", suffixes=SUFFIXES)
    if file is not None:
        try:
            return read_people(file)
        except InvalidCouncil as error:
            draft.problems.errors.extend(error.problems)
    return None


class _Refs:
    """The agents that one step names, or the council itself."""

    def __init__(self, draft: Draft, used: set[str], path: marks.Path, step: str = "") -> None:
        """`step`: its id; empty for the council itself."""
        self._draft = draft
        self._step = step
        self._used = used
        self._path = path

    def settle(self, step: Step) -> Step:
        """The step with ids in place of inline agents."""
        changes: dict[str, Any] = {}
        for name, refs in step.speakers().items():
            written = getattr(step, name)
            if written is None:  # the step brings somebody along
                (written,) = refs
            path = (*self._path, name)
            if isinstance(written, (list, tuple)):
                ids = tuple(self._ids(written, path))
                if ids != tuple(written):
                    changes[name] = ids
            elif (settled := self._one(written, path)) != getattr(step, name):
                changes[name] = settled
        if step.fallback is not None and step.fallback.agent is not None:
            changes |= self._fallback(step.fallback)
        if (window := self.window(step.window)) != step.window:
            changes["window"] = window
        return msgspec.structs.replace(step, **changes) if changes else step

    def window(self, window: Window | None) -> Window | None:
        """The window with an id in place of an inline agent."""
        if window is None or window.summary is None:
            return window
        settled = self._one(window.summary, (*self._path, "window", "summary"))
        return msgspec.structs.replace(window, summary=settled)

    def _fallback(self, fallback: Fallback) -> Mapping[str, Any]:
        assert fallback.agent is not None
        settled = self._one(fallback.agent, (*self._path, "fallback", "agent"))
        if settled == fallback.agent:
            return {}
        return {"fallback": msgspec.structs.replace(fallback, agent=settled)}

    def _ids(self, refs: Sequence[AgentRef], path: marks.Path) -> Iterator[str]:
        """Of a list; a population in its place is written as a mapping."""
        if isinstance(self._draft.written(path), dict):
            for ref in refs:
                yield self._id(ref, path)
                if isinstance(ref, Agent) and ref.each is None and ref.name != AGENT:
                    what = "a mapping in the place of a list is a population: it needs `each`"
                    self._draft.problems.error(path, what, hint="or write a list: [{name: …}]")
            return
        for at, ref in enumerate(refs):
            yield self._id(ref, (*path, at))

    def _one(self, ref: AgentRef, path: marks.Path) -> str:
        """Of a field that names one agent alone."""
        name = self._id(ref, path)
        agent = self._draft.agents.get(name)
        if agent is not None and agent.each is not None:
            what = f"'{name}' is a population, and one agent is needed here"
            hint = "a list such as `agents` or `voters` can name all of its members"
            self._draft.problems.error(path, what, hint=hint)
        return name

    def _id(self, ref: AgentRef, path: marks.Path) -> str:
        if isinstance(ref, Agent):
            return self._hoisted(ref, path)
        self._used.add(ref)
        if ref not in self._draft.agents and self._table_is_readable():
            known: Collection[str] = self._draft.agents.keys()
            hint = hint_of_name(self._draft, ref)
            group = ref.rpartition("_")[0]
            if group in known and self._draft.agents[group].each is not None:
                hint = f"'{group}' means all of its members; none of them can be named alone"
                known = ()
            hint = hint or (listed("known: ", known) if known else "there is no `agents` table")
            self._draft.problems.error(
                path, f"unknown agent '{ref}'", value=ref, near=(ref, known), hint=hint
            )
        return ref

    def _table_is_readable(self) -> bool:
        """Else that is the mistake, and what stands in it is not known."""
        raw = self._draft.raw
        return not isinstance(raw, dict) or isinstance(raw.get("agents", {}), dict)

    def _hoisted(self, agent: Agent, path: marks.Path) -> str:
        """Put an agent written inside a step into the table; its id."""
        if agent.name == AGENT:
            return AGENT
        problems = self._draft.problems
        if agent.from_ is not None:
            told = len(problems.errors)
            agent = from_file(self._draft, agent, path)
            agent = msgspec.structs.replace(agent, name=agent.name.replace("-", "_"))
            if len(problems.errors) > told and not agent.name:  # that is why it has none
                return agent.name
        name = self._name(agent)
        if not name:
            problems.error(path, "an agent written inside a step needs a `name`")
        elif not _ID.fullmatch(name):
            problems.error(
                (*path, "name"), f"'{name}' is not an id",
                hint="an id is made of a-z, 0-9 and _, and begins with a letter",
            )  # fmt: skip
        else:
            agent = _settled(self._draft, name, agent, path)
            if self._draft.agents.setdefault(name, agent) != agent:
                what = f"there is another, different agent '{name}'"
                problems.error(path, what, hint=f"write {name} to mean that one")
        self._used.add(name)
        return name

    def _name(self, agent: Agent) -> str:
        """Its id; a population that says only what its members are called has the step's."""
        if agent.each is None or (agent.name and "{" not in agent.name):
            return agent.name
        return self._step
