"""Keys that people write from habit, and what they are called here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

_MEANT: Mapping[str, tuple[str, ...]] = {
    "after": ("needs",),
    "chair": ("agent",),
    "condition": ("when", "until"),
    "depends_on": ("needs",),
    "from": ("agent",),
    "if": ("when",),
    "instructions": ("role", "prompt"),
    "iterations": ("max", "rounds"),
    "max_iterations": ("max", "rounds"),
    "max_rounds": ("max", "rounds"),
    "members": ("agents",),
    "persona": ("role",),
    "prompt": ("role",),
    "system": ("role",),
    "system_prompt": ("role",),
    "type": ("kind",),
}
"""The likeliest first: what a place does not know is passed over."""


def meant_key(key: str, known: Collection[str]) -> str | None:
    """What a habitual key is called where `known` are the keys; None: it is no habit."""
    return next((each for each in _MEANT.get(key, ()) if each in known), None)


def meant_kind(step: Mapping[Any, Any], kinds: Collection[str]) -> str | None:
    """The kind of a step that has none, from `type: ask` or `ask: …`; None: nothing tells."""
    said = step.get("type")
    if isinstance(said, str) and said in kinds:
        return said
    return next((key for key in step if isinstance(key, str) and key in kinds), None)
