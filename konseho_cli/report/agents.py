"""Agents that can be named, as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from konseho_cli.agents.discovery import Found
from konseho_cli.agents.markdown import MarkdownAgent
from konseho_cli.agents.registry import Library, broken
from konseho_cli.core.source import shown_path
from konseho_cli.report.frame import Line
from konseho_cli.report.json import FORMAT, dump
from konseho_cli.report.symbols import Symbols
from konseho_cli.report.table import table
from konseho_cli.report.text import one_line

_BROKEN = "cannot be used"


def agents_lines(library: Library, symbols: Symbols, width: int) -> tuple[Line, ...]:
    """A row each, by name; what it is good for is last, and cut where it must be."""
    rows = [
        (
            found.name,
            found.level,
            ", ".join(dict.fromkeys(_shadowed(library, found))),
            found.model or "",
            _BROKEN if found.problem else found.description,
        )
        for found in library.agents
    ]
    heading = ("name", "from", "shadows", "model", "description")
    return table([heading, *rows], symbols, width, words=frozenset(range(5)))


def problems_lines(library: Library) -> list[str]:
    """Every file and folder that is of no use, and why."""
    folders = (f"{shown_path(folder)}: {what}" for folder, what in library.problems)
    agents = (str(broken(found)) for found in _all(library) if found.problem)
    return [one_line(each) for each in (*folders, *agents)]


def agents_json(library: Library) -> str:
    """All of them; `file` is absolute."""
    return dump(
        {
            "konseho": FORMAT,
            "agents": [_as_json(library, found) for found in library.agents],
            "folders": [
                {
                    "from": place.level,
                    "folder": str(place.folder),
                    "there": os.path.isdir(place.folder),
                }
                for place in library.places
            ],
            "problems": problems_lines(library),
        }
    )


def agent_text(library: Library, found: Found, read: MarkdownAgent) -> str:
    """What its front matter says, then the whole role."""
    facts = list(_facts(library, found, read))
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {one_line(value)}" for name, value in facts]
    return "\n".join((*lines, "", read.agent.role))


def agent_json(library: Library, found: Found, read: MarkdownAgent) -> str:
    """The same; what is not set is null."""
    agent = read.agent
    return dump(
        {
            "konseho": FORMAT,
            **_as_json(library, found),
            "temperature": agent.temperature,
            "max_tokens": agent.max_tokens,
            "weight": agent.weight,
            "tools": list(read.tools),
            "warnings": [str(warning) for warning in read.warnings],
            "role": agent.role,
        }
    )


def _facts(library: Library, found: Found, read: MarkdownAgent) -> Iterator[tuple[str, str]]:
    agent = read.agent
    yield "name", found.name
    yield "from", found.level
    yield "file", shown_path(Path(found.file))
    for other in library.others(found):
        yield "shadows", f"{other.level}: {shown_path(Path(other.file))}"
    if agent.description:
        yield "description", agent.description
    yield "model", agent.model or "the council's"
    if agent.temperature is not None:
        yield "temperature", f"{agent.temperature:g}"
    if agent.max_tokens is not None:
        yield "max_tokens", f"{agent.max_tokens:,}"
    if agent.weight != 1:
        yield "weight", f"{agent.weight:g}"
    if read.tools:
        yield "tools", f"{', '.join(read.tools)} (not offered to the model)"


def _as_json(library: Library, found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "from": found.level,
        "file": found.file,
        "description": found.description,
        "model": found.model,
        "problem": str(broken(found)) if found.problem else None,
        "shadows": [{"from": other.level, "file": other.file} for other in library.others(found)],
    }


def _shadowed(library: Library, found: Found) -> list[str]:
    return [other.level for other in library.others(found) if not other.problem]


def _all(library: Library) -> Iterator[Found]:
    for found in library.agents:
        yield found
        yield from library.others(found)
