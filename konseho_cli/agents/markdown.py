"""Agents in Markdown: YAML front matter and the role as the body, Claude Code's subagents included."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from konseho_cli.agents.definition import Agent, OwnWeight
from konseho_cli.core.errors import InvalidCouncil, Problem
from konseho_cli.core.source import read_source, shown_path
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.core.yaml_events import Parsed, parse_yaml

IGNORED: frozenset[str] = frozenset({
    "background", "color", "disallowedTools", "effort", "hooks", "initialPrompt", "isolation",
    "maxTurns", "mcpServers", "memory", "permissionMode", "skills",
})  # fmt: skip
"""Keys of Claude Code's subagents that mean nothing to a council."""

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)(.*)\Z", re.DOTALL | re.MULTILINE)
_DESCRIPTION = re.compile(r"^description:[ \t]+(?![\"'|>])(.*)$", re.MULTILINE)
_FIELDS: Mapping[str, Any] = {
    field.encode_name: field.type
    for field in msgspec.structs.fields(Agent)
    if field.name not in ("from_", "each")
} | {"weight": OwnWeight}
_EXPECTED = {"weight": "a number above 0", "temperature": "a number from 0 to 2",
             "max_tokens": "a whole number from 1"}  # fmt: skip


class MarkdownAgent(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's file says."""

    agent: Agent
    tools: tuple[str, ...] = ()
    """Names of Claude Code's tools."""
    warnings: tuple[Problem, ...] = ()


def read_agent(path: Path) -> MarkdownAgent:
    """Read an agent's file. Raises InvalidCouncil with every mistake and its line."""
    return parse_agent(read_source(path), file=shown_path(path))


def parse_agent(text: str, *, file: str = "") -> MarkdownAgent:
    """Read an agent's text; without front matter, all of it is the role. Raises InvalidCouncil."""
    text = text.replace("\r\n", "\n")
    if not re.match(r"---[ \t]*(?:\n|\Z)", text):
        return MarkdownAgent(agent=Agent(role=text.strip()))
    match = _FRONT.match(text)
    if match is None:
        raise InvalidCouncil(
            [Problem(path="", message="the front matter has no closing ---", file=file, line=1)]
        )
    parsed = _front_matter(match[1], file)
    reader = _Reader(parsed, file)
    return reader.read(match[2].strip())


def _front_matter(text: str, file: str) -> Parsed:
    parsed = parse_yaml(text, file=file, first_line=2)
    if parsed.complete:
        return parsed
    # Subagents' descriptions hold ': ' without quotes, which their own reader takes as it is.
    quoted = _DESCRIPTION.sub(
        lambda found: (
            "description: " + json.dumps(found[1].replace("\\n", "\n"), ensure_ascii=False)
        ),
        text,
    )
    again = parse_yaml(quoted, file=file, first_line=2) if quoted != text else parsed
    return again if again.complete else parsed


class _Reader:
    """Turns the front matter's keys into an agent, and collects what is wrong."""

    def __init__(self, parsed: Parsed, file: str) -> None:
        self._parsed = parsed
        self._file = file
        self._errors = list(parsed.problems)
        self._warnings: list[Problem] = []

    def read(self, body: str) -> MarkdownAgent:
        """The agent. Raises InvalidCouncil."""
        keys = self._parsed.value if self._parsed.value is not None else {}
        if not isinstance(keys, dict):
            if self._parsed.complete:
                self._errors.append(self._problem("", "the front matter must be a mapping"))
            keys = {}
        tools = self._tools(keys.get("tools"))
        found = self._fields(keys)
        if body and found.get("role"):
            self._errors.append(
                self._problem("role", "the role is the text below the front matter: give one only")
            )
        if self._errors:
            raise InvalidCouncil(self._errors)
        agent = Agent(**({"role": body} | found))
        return MarkdownAgent(agent=agent, tools=tools, warnings=tuple(self._warnings))

    def _fields(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in keys.items():
            if key in _FIELDS:
                right = self._field(key, value)
                if right is not None:
                    found[key] = right
            elif key not in IGNORED and key != "tools":
                near = did_you_mean(key, _FIELDS)
                self._warnings.append(self._problem(key, f"unknown key '{key[:60]}'", near))
        return found

    def _field(self, key: str, value: Any) -> Any:
        """The value, or None where it is the default."""
        if value is None:
            return None
        try:
            right = msgspec.convert(value, _FIELDS[key])
        except msgspec.ValidationError:
            expected = _EXPECTED.get(key, "text")
            got = "" if isinstance(value, (dict, list)) else f", got {json.dumps(value)[:60]}"
            self._errors.append(self._problem(key, f"expected {expected}{got}"))
            return None
        return model_of(right) if key == "model" else right

    def _tools(self, value: Any) -> tuple[str, ...]:
        names = value.split(",") if isinstance(value, str) else value or []
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(name.strip() for name in names if name.strip())
        self._errors.append(self._problem("tools", "expected a list of names"))
        return ()

    def _problem(self, key: str, message: str, hint: str | None = None) -> Problem:
        path = (key,) if key else ()
        line, column = self._parsed.marks.of(path, key=True) or (2, 1)
        return Problem(
            path=key, message=message, file=self._file, line=line, column=column, hint=hint
        )


def model_of(name: str) -> str | None:
    """`inherit` is the council's model, a full name of Claude's goes to its provider."""
    name = name.strip()
    if name.startswith("claude-"):
        return f"anthropic:{name}"
    return None if name in ("inherit", "") else name
