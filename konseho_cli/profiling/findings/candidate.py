"""A finding before anybody has tried what it advises."""

from __future__ import annotations

import msgspec

from konseho_cli.profiling.finding import Finding
from konseho_cli.profiling.whatif.changes import Changes

WORTH = 0.02
"""Of the makespan: what would save less is not worth a line."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, and the what-if that would show what the advice is worth."""

    finding: Finding
    """Its saving is a bound, read off the spans."""
    changes: Changes | None = None
    """None: it cannot be tried by a replay."""
    stands: bool = False
    """Whether it stands though a replay shows no saving: a server's own limit is in none."""
