"""What steps give back, and what they are given by those whom they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal, TypeVar

import msgspec

from konseho_cli.core.errors import KonsehoError
from konseho_cli.models.base import JSON

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's finished answer."""

    agent: str
    text: str
    value: JSON
    """The parsed document where a schema was asked for, else the text."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled piece of a step's output, as later prompts show it."""

    label: str
    """Whose it is, or what it is: an agent's id, `result`."""
    text: str


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps of a block came to."""

    values: Mapping[str, JSON]
    """By the id of each step, in the order of the file; null where one was skipped or failed."""
    parts: tuple[Part, ...]
    """What all of them said, labelled with their ids: `draft / ann`."""

    @property
    def last(self) -> JSON:
        """The value of the last one; null where there is none."""
        return list(self.values.values())[-1] if self.values else None


class Conferred(msgspec.Struct, frozen=True, kw_only=True):
    """What another council came to."""

    council: str
    """Its name."""
    answer: JSON
    gate: bool | None
    """None: it has none."""
    status: Literal["ok", "degraded"]


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a step gives back."""

    value: JSON
    """What templates read as `{{ step }}`."""
    parts: tuple[Part, ...]
    """The whole output for the default prompts of later steps."""
    details: Mapping[str, JSON] = msgspec.field(default_factory=dict)
    """The record behind it, for `--json` and people: rounds, ballots, dissent."""


class Gathered(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What several branches came to; whoever is in neither was cancelled as no longer needed."""

    done: Mapping[str, T]
    """In the order in which the branches were given."""
    failed: Mapping[str, KonsehoError]
    not_started: int = 0
    """Of those in neither: whose turn had not come."""
