"""A finding before anybody has tried what it advises."""

from __future__ import annotations

import msgspec

from konseho_cli.profiling.changes import Changes
from konseho_cli.profiling.finding import Finding

WORTH = 0.02
"""Of the makespan: what would save less is not worth a line."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and the what-if that would show what the advice is worth."""

    finding: Finding
    """Its saving is a bound, read off the spans."""
    changes: Changes | None = None
    """None: it cannot be tried by a replay."""
