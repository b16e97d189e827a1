"""Agents: files are read, agents written inside steps join the table, and all names are known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.agents.definition import ID_PATTERN, Agent, AgentRef
from konseho_cli.core import marks
from konseho_cli.spec.agent_files import from_file, hint_of_name
from konseho_cli.spec.draft import Draft, with_held
from konseho_cli.spec.stand_ins import AGENT
from konseho_cli.steps.fields import Fallback, Window
from konseho_cli.steps.union import Step

_ID = re.compile(ID_PATTERN)


def settle_agents(draft: Draft) -> None:
    """Fill `draft.agents`, and leave only ids in the steps."""
    draft.agents = dict(draft.spec.agents)
    for name, agent in draft.spec.agents.items():
        if agent.from_ is not None:
            draft.agents[name] = from_file(draft, agent, ("agents", name))
    used: set[str] = set()
    usual = _Refs(draft, used, ()).window(draft.spec.window)

    def settle(steps: Sequence[Step], around: marks.Path) -> list[Step]:
        settled: list[Step] = []
        for index, step in enumerate(steps):
            place = (*around, index)
            own = with_held(_Refs(draft, used, place).settle(step), place, settle)
            if own.window is None and usual is not None and own.shows_earlier:
                own = msgspec.structs.replace(own, window=usual)
            settled.append(own)
        return settled

    draft.steps = settle(draft.steps, ("steps",))
    for name in draft.spec.agents:
        if name not in used:
            draft.problems.warn(("agents", name), f"agent '{name}' is not used", key=True)


class _Refs:
    """The agents that one step names, or the council itself."""

    def __init__(self, draft: Draft, used: set[str], path: marks.Path) -> None:
        self._draft = draft
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
                ids = tuple(self._id(ref, (*path, at)) for at, ref in enumerate(written))
                if ids != tuple(written):
                    changes[name] = ids
            elif (settled := self._id(written, path)) != getattr(step, name):
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
        settled = self._id(window.summary, (*self._path, "window", "summary"))
        return msgspec.structs.replace(window, summary=settled)

    def _fallback(self, fallback: Fallback) -> Mapping[str, Any]:
        assert fallback.agent is not None
        settled = self._id(fallback.agent, (*self._path, "fallback", "agent"))
        if settled == fallback.agent:
            return {}
        return {"fallback": msgspec.structs.replace(fallback, agent=settled)}

    def _id(self, ref: AgentRef, path: marks.Path) -> str:
        if isinstance(ref, Agent):
            return self._hoisted(ref, path)
        self._used.add(ref)
        if ref not in self._draft.agents:
            known = self._draft.agents.keys()
            hint = hint_of_name(self._draft, ref)
            hint = hint or (None if known else "there is no `agents` table")
            self._draft.problems.error(
                path, f"unknown agent '{ref}'", value=ref, near=(ref, known), hint=hint
            )
        return ref

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
        if not agent.name:
            problems.error(path, "an agent written inside a step needs a `name`")
        elif not _ID.fullmatch(agent.name):
            problems.error(
                (*path, "name"), f"'{agent.name}' is not an id",
                hint="an id is made of a-z, 0-9 and _, and begins with a letter",
            )  # fmt: skip
        elif self._draft.agents.setdefault(agent.name, agent) != agent:
            what = f"there is another, different agent '{agent.name}'"
            problems.error(path, what, hint=f"write {agent.name} to mean that one")
        self._used.add(agent.name)
        return agent.name
