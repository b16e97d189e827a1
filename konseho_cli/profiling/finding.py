"""A finding: where time, memory or money went, what to do about it, and what that would save."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Topic: TypeAlias = Literal[
    "agent", "slots", "rate", "failures", "context", "events", "listener", "memory", "leak",
    "straggler", "step", "overhead", "cache", "cpu", "target", "tracked",
]  # fmt: skip
"""What it is about."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody could change."""

    topic: Topic
    what: str
    """One sentence, with its numbers: `review waits 62 % of its time for a slot`."""
    advice: str
    """What to set, and to what: `max_concurrency: 8 would save 3.1 s`."""
    saves_s: float = 0.0
    """Seconds of the makespan, as far as it is known."""
    saves_bytes: int = 0
    saves_tokens: int = 0
    estimated: bool = False
    """Whether the saving is an estimate, not a replay: it is shown with ≈."""
    where: str = ""
    """Step, agent, service or function that it names."""
