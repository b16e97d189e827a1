"""The values of fields that all kinds of steps share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from konseho_cli.agents.definition import Agent, AgentRef
from konseho_cli.core.units import Count

OnError: TypeAlias = Literal["halt", "continue", "retry", "fallback"]
CacheUse: TypeAlias = bool | Literal["warm"]
"""Whether answers are kept and used again; `warm`: one call of a fan-out goes first, so that the
others find their common beginning in the provider's own prompt cache."""


class Output(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The shape of a step's answer."""

    schema: dict[str, Any]
    """A JSON Schema. The answer is asked for, parsed, checked and, if need be, repaired once."""


class Fallback(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What takes the place of a failure: another agent's answer, or a fixed value."""

    agent: AgentRef | None = None
    """Asked in the stead of each agent that failed."""
    value: Any | msgspec.UnsetType = msgspec.UNSET
    """The step's output, where the step as a whole failed; null is one, too."""


class Window(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How much of what earlier steps said a default prompt shows."""

    tokens: Count | None = None
    """For all of it together: the oldest is shortened first."""
    messages: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """The newest outputs that are shown; those before them are left out."""
    summary: AgentRef | None = None
    """Asked once to sum up what does not fit."""


def texts_of(field: Any) -> Iterable[Any]:
    """The texts of a field that is a template, a list of them, or a mapping with them as values."""
    if isinstance(field, Mapping):
        return field.values()
    return field if isinstance(field, (list, tuple)) else (field,)


def as_lists(step: msgspec.Struct, names: Iterable[str]) -> None:
    """Put a list in the place of each of these fields that holds one agent."""
    for name in names:
        if isinstance(value := getattr(step, name), Agent):
            msgspec.structs.force_setattr(step, name, (value,))
