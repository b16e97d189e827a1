"""The exit status of a run: what a script reads instead of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.verdicts import Verdict

FINE = 0
REFUSED = 1
"""The gate is false, a target was missed, or the run is degraded under `--strict`."""


def exit_status(outcome: RunOutcome, verdicts: Sequence[Verdict], *, strict: bool) -> int:
    """0 fine, 1 refused, and what the error asks for: 2 usage, 3 failed, 5 limit, 130 interrupted."""
    if outcome.error is not None:
        return outcome.exit_code
    if outcome.gate is False or any(verdict.refuses for verdict in verdicts):
        return REFUSED
    if strict and outcome.status != "ok":
        return REFUSED
    return FINE
