"""A new agent's file: from a template, or as a copy of an agent that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from konseho_cli.agents.discovery import Found
from konseho_cli.agents.markdown import parse_agent
from konseho_cli.agents.places import FOLDER, user_folders
from konseho_cli.agents.registry import Library, broken
from konseho_cli.core.errors import InvalidCouncil, KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.core.source import read_source, shown_path
from konseho_cli.core.suggest import did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_MOST = 64
_FRONT = re.compile(r"\A---[ \t]*\n")

TEMPLATE = """\
---
name: {name}
description: {description}
# model: openai:gpt-5-mini    a name from the council's `models`, or provider:model
# temperature: 0.2
---
You are … Say who speaks, and what for: one sentence.

What you look for:

- …

How you argue: from which evidence, and what would change your mind.

What your answer looks like: its order and its length.

What you leave to others: …
"""
DESCRIPTION = "What it is good for, in one line."


def check_name(name: str) -> None:
    """Raises UsageError for what is no name of a new agent."""
    if len(name) > _MOST or not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name:.80}' is no name for an agent",
            hint=f"a-z, 0-9 and single hyphens, a letter first, at most {_MOST}: product-owner",
        )


def place_of(name: str, folder: Path, env: Mapping[str, str], *, user: bool) -> Path:
    """Where its file goes: `agents/` of a folder, or of the user's settings. Raises UsageError."""
    if not user:
        return folder / FOLDER / f"{name}.md"
    folders = user_folders(env)
    if not folders or folders[0].parent.name != "konseho":
        raise UsageError("--user: the environment names no home", hint="set HOME")
    return folders[0] / f"{name}.md"


def draft(name: str, description: str | None, copied: Found | None) -> str:
    """The text of the file. Raises InvalidCouncil where what is to be copied is broken."""
    if copied is None:
        about = DESCRIPTION if description is None else _quoted(description)
        return TEMPLATE.format(name=name, description=about)
    if copied.problem:
        raise InvalidCouncil([broken(copied)])
    text = read_source(Path(copied.file)).replace("\r\n", "\n")
    text = _with(text, "name", name)
    if description is not None:
        text = _with(text, "description", _quoted(description))
    if parse_agent(text).agent.name != name:  # front matter as nobody writes it
        raise UsageError(f"{shown_path(Path(copied.file))} cannot be copied under another name")
    return text


def _with(text: str, key: str, value: str) -> str:
    """A text with one line of its front matter put in the place of that key, or before the others."""
    opening = _FRONT.match(text)
    if opening is None:
        return f"---\n{key}: {value}\n---\n{text.lstrip()}"
    start, end = opening.end(), re.compile(r"^---[ \t]*$", re.MULTILINE).search(text, opening.end())
    front = text[start : end.start()] if end else ""
    rest = text[end.start() :] if end else text[start:]
    # A value may go on in lines that are indented, or hold a name of its own there.
    pattern = re.compile(rf"^{key}:.*\n(?:[ \t]+.*\n|[ \t]*\n)*", re.MULTILINE)
    line = f"{key}: {value}\n"
    front = pattern.sub(lambda _: line, front, count=1) if pattern.search(front) else line + front
    return f"---\n{front}{rest}"


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    # One word could be a boolean or a date to YAML.
    is_plain = " " in line and re.fullmatch(r"[A-Za-z][\w ,.;()'/-]*[\w.)]", line)
    return line if is_plain else json.dumps(line, ensure_ascii=False)


def find_or_refuse(library: Library, name: str) -> Found:
    """The agent of that name. Raises UsageError with the nearest one."""
    found = library.find(name)
    if found is None:
        raise UsageError(
            f"no agent is called '{name:.80}' in {' or '.join(library.looked_in)}",
            hint=did_you_mean(name, library.names) or "`konseho agents list` shows all",
        )
    return found


def write_agent(file: Path, text: str, library: Library, *, force: bool) -> None:
    """Write it. Raises UsageError where something is there already, KonsehoError where it fails."""
    name, shown = file.stem, shown_path(file)
    try:
        if file.is_symlink():
            raise UsageError(f"{shown} is a link", hint="remove it first, or change its file")
        if file.exists() and not (force and file.is_file()):
            raise UsageError(f"{shown} is there already", hint="--force replaces it")
        found = library.find(name)
        for other in (found, *library.others(found)) if found else ():
            beside = Path(other.file)
            if beside != file.resolve() and file.parent.resolve() in beside.parents:
                what = f"{shown_path(beside)} is called '{other.name}' already"
                raise UsageError(what, hint="of two in one folder only one could be found")
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text)
    except OSError as error:
        raise KonsehoError(f"{shown} could not be written: {error.strerror or error}") from error
