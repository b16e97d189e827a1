"""What critics say of a piece of work: the form that they fill in, and how it is read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from konseho_cli.steps.base import JSON

_MOST_TOLD = 3
"""Open points in one reason."""
_MOST_CHARS = 100
"""Characters of one of them."""

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "points": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "what": {"type": "string"},
                    "why": {"type": "string"},
                    "severity": {"type": "string", "enum": ["blocking", "minor"]},
                    "suggestion": {"type": "string"},
                },
                "required": ["what", "why", "severity", "suggestion"],
                "additionalProperties": False,
            },
        },
        "summary": {"type": "string"},
        "approve": {"type": "boolean"},
    },
    "required": ["points", "summary", "approve"],
    "additionalProperties": False,
}
"""The points come first, so that a model thinks before it decides."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One fault."""

    what: str
    why: str
    severity: Literal["blocking", "minor"]
    suggestion: str


class Critique(msgspec.Struct, frozen=True, kw_only=True):
    """One critic's judgement of one version."""

    critic: str
    approve: bool
    """What it stated."""
    points: tuple[Point, ...]
    summary: str

    @property
    def blocking(self) -> tuple[Point, ...]:
        """What must be mended."""
        return tuple(point for point in self.points if point.severity == "blocking")

    @property
    def approves(self) -> bool:
        """What it comes to: who names a blocking point does not approve, whatever it states."""
        return self.approve and not self.blocking

    @property
    def contradicts_itself(self) -> bool:
        """Whether it stated an approval, and blocking points as well."""
        return self.approve and bool(self.blocking)

    @property
    def text(self) -> str:
        """All of it, for the worker."""
        return "\n\n".join(filter(None, (self.summary.strip(), listing(self.points))))

    def record(self) -> dict[str, JSON]:
        """As plain values."""
        return {
            "approve": self.approve,
            "approves": self.approves,
            "summary": self.summary,
            "points": [msgspec.to_builtins(point) for point in self.points],
        }


def read_critique(critic: str, value: JSON) -> Critique:
    """The critique that an answer to `SCHEMA` states."""
    return msgspec.convert({**value, "critic": critic}, Critique)


def listing(points: Iterable[Point]) -> str:
    """A line a point, with why it matters and what would mend it."""
    return "\n".join(_line(point) for point in points)


def _line(point: Point) -> str:
    parts = [f"- ({point.severity}) {point.what.strip()}"]
    if point.why.strip():
        parts.append(f"  Why: {point.why.strip()}")
    if point.suggestion.strip():
        parts.append(f"  Suggestion: {point.suggestion.strip()}")
    return "\n".join(parts)


def open_points(critiques: Sequence[Critique]) -> list[dict[str, JSON]]:
    """What was said of the last version, and so was not acted upon: the blocking points first."""
    found = [
        {"critic": critique.critic, **msgspec.to_builtins(point)}
        for critique in critiques
        for point in critique.points
    ]
    return sorted(found, key=lambda point: point["severity"] != "blocking")


def why_not(critiques: Sequence[Critique]) -> str:
    """What keeps a version from being approved, in a line."""
    told = []
    for critique in critiques:
        if critique.contradicts_itself:
            point = _short(critique.blocking[0].what)
            told.append(f"{critique.critic} approves, but names a blocking point: {point}")
        elif critique.blocking:
            told += [f"{critique.critic}: {_short(point.what)}" for point in critique.blocking]
        elif not critique.approves:
            told.append(f"{critique.critic}: {_short(critique.summary) or 'does not approve'}")
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return "; ".join(told[:_MOST_TOLD]) + more


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
