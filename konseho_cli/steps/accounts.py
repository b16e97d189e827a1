"""A moderator's account of a debate: where it stands after a round, and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from konseho_cli.steps.base import JSON

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "open_points": {"type": "array", "items": {"type": "string"}},
        "agreed": {"type": "boolean"},
    },
    "required": ["summary", "open_points", "agreed"],
    "additionalProperties": False,
}
"""The account comes first, so that a model thinks before it judges."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a moderator said after one round."""

    moderator: str
    agreed: bool
    summary: str
    open_points: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, for later steps."""
        points = (f"- still open: {point}" for point in self.open_points)
        return "\n".join([self.summary, *points])

    def document(self) -> dict[str, JSON]:
        """What templates read, beside whose it is."""
        return {
            "agreed": self.agreed,
            "summary": self.summary,
            "open_points": list(self.open_points),
        }


def read_account(moderator: str, value: JSON) -> Account:
    """The account that an answer to `SCHEMA` states."""
    return msgspec.convert({**value, "moderator": moderator}, Account)
