"""Keys and shapes that people write from habit, and what they are here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from konseho_cli.core.marks import Path

_MEANT: Mapping[str, tuple[str, ...]] = {
    "after": ("needs",),
    "agent": ("agents", "worker", "voters"),
    "agents": ("voters", "critics"),
    "ask": ("question",),
    "author": ("worker",),
    "backstory": ("role",),
    "cases": ("branches",),
    "chair": ("agent",),
    "cmd": ("argv",),
    "command": ("argv",),
    "condition": ("when", "until"),
    "depends_on": ("needs",),
    "from": ("agent",),
    "goal": ("role", "task"),
    "if": ("when",),
    "instructions": ("role", "prompt"),
    "iterations": ("max", "rounds", "max_rounds"),
    "max": ("max_rounds", "rounds"),
    "max_iterations": ("max", "rounds", "max_rounds"),
    "max_rounds": ("max", "rounds"),
    "members": ("agents",),
    "message": ("question", "prompt"),
    "name": ("id",),
    "options": ("choices", "candidates", "branches"),
    "path": ("file",),
    "persona": ("role",),
    "prompt": ("role",),
    "question": ("task", "prompt"),
    "reviewers": ("critics",),
    "rounds": ("max_rounds", "max"),
    "run": ("argv",),
    "schema": ("output",),
    "system": ("role",),
    "system_prompt": ("role",),
    "title": ("name",),
    "type": ("kind",),
    "writer": ("worker",),
}
"""The likeliest first: what a place does not know is passed over."""


_SPELT = {("from", "agent"): "agent: {from: …}", ("schema", "output"): "output: {schema: …}"}
"""Where another word alone would not do."""
_ENTRIES = {
    "agents": "role: …",
    "inputs": "description: …",
    "models": "use: …",
}
"""The tables whose keys are names, and how an entry of each begins."""


def meant_key(key: str, known: Collection[str]) -> str | None:
    """What a habitual key is called where `known` are the keys; None: it is no habit."""
    return next((each for each in _MEANT.get(key, ()) if each in known), None)


def spelt(key: str, meant: str) -> str:
    """How a habitual key is written here."""
    return _SPELT.get((key, meant), meant)


def way_out(path: Path, value: Any, expected: str) -> str | None:
    """How a value of another shape is written at this place; None: nothing is known of it."""
    if expected.startswith("a list"):
        return _as_list(path, value)
    if not expected.startswith("a mapping"):
        return None
    if path and path[0] in _ENTRIES:
        entry = f"{{{_ENTRIES[str(path[0])]}}}"
        if len(path) == 1 and isinstance(value, (list, tuple)):
            return f"write each below its name: `{_name_in(value)}: {entry}`"
        if len(path) == 2 and isinstance(value, str):
            return f"write {entry}"
    if path[-1:] == ("council",) and isinstance(value, str):
        return "`file` names one"
    return "what belongs to it is indented" if value is None else None


def _name_in(items: Collection[Any]) -> str:
    first = next(iter(items), None)
    name = first.get("name") if isinstance(first, Mapping) else first
    return name if isinstance(name, str) and _WORD.fullmatch(name) else "NAME"


_WORD = re.compile("[a-z][a-z0-9_]*")
_PLAIN = re.compile("[A-Za-z0-9_./=-]+")


def _as_list(path: Path, value: Any) -> str | None:
    if path == ("steps",) and isinstance(value, Mapping):
        return "each begins with `- `, as in `- {id: one, kind: ask, agent: NAME}`"
    if not isinstance(value, str) or "{{" in value:
        return None
    if path[-1:] == ("argv",):
        try:
            words = shlex.split(value)
        except ValueError:  # a quotation mark is not closed
            return None
        return f"write [{', '.join(map(_quoted, words))}]" if words else None
    words = [word.strip() for word in value.split(",")]
    fits = all(map(_WORD.fullmatch, words))
    return f"write [{', '.join(words)}]" if fits else None


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else json.dumps(word, ensure_ascii=False)


def meant_kind(step: Mapping[Any, Any], kinds: Collection[str]) -> str | None:
    """The kind of a step that has none, from `type: ask` or `ask: …`; None: nothing tells."""
    said = step.get("type")
    if isinstance(said, str) and said in kinds:
        return said
    return next((key for key in step if isinstance(key, str) and key in kinds), None)
