"""Which branches are taken: what an agent is asked for, and what an expression may give. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from konseho_cli.core.suggest import did_you_mean


class NoChoice(ValueError):
    """It does not say which branches; the message is one line for a person."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The branches that are taken, and why."""

    names: tuple[str, ...]
    """In the order of the file; empty: none."""
    reason: str | None = None
    """In the words of the agent who chose."""
    unmet: str = ""
    """Why this is not what was chosen; empty where it is."""


def choice_schema(branches: Sequence[str], most: int) -> dict[str, Any]:
    """The JSON Schema of an agent's choice. The reason comes first, so that it thinks before."""
    one = {"type": "string", "enum": list(branches)}
    many = {"type": "array", "items": one, "uniqueItems": True, "minItems": 1, "maxItems": most}
    field = "branch" if most == 1 else "branches"
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, field: one if most == 1 else many},
        "required": ["reason", field],
        "additionalProperties": False,
    }


def read_answer(value: Mapping[str, Any], branches: Collection[str]) -> Choice:
    """The choice that an answer by the schema states."""
    said = value["branches"] if "branches" in value else [value["branch"]]
    return Choice(names=in_order(said, branches), reason=str(value["reason"]))


def read_value(value: Any, branches: Collection[str], most: int, default: str | None) -> Choice:
    """The choice that an expression's value states: a name, a list of names, null for none.

    Raises NoChoice where a name is unknown and no `default` stands in, or where they are too many.
    """
    said = [value.strip()] if isinstance(value, str) and value.strip() else value or []
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise NoChoice(f"`choose` must give a name, a list of names or null, not {value!r:.60}")
    unknown = [name for name in dict.fromkeys(said) if name not in branches]
    if unknown and default is None:
        near = did_you_mean(unknown[0], branches)
        known = ", ".join(branches)
        raise NoChoice(
            f"there is no branch '{unknown[0]:.60}'{f' ({near})' if near else ''}; "
            f"the branches are: {known}"
        )
    names = in_order(said, branches)
    if len(names) > most:
        listed = ", ".join(names)
        raise NoChoice(f"{len(names)} branches are chosen ({listed}), but `most` is {most}")
    if not names and default is not None:
        names = (default,)
    unmet = f"there is no branch '{unknown[0]:.60}'" if unknown else ""
    return Choice(names=names, unmet=unmet)


def in_order(said: Collection[str], branches: Collection[str]) -> tuple[str, ...]:
    """The branches that are named, each once, in the order of the file."""
    return tuple(name for name in branches if name in said)
