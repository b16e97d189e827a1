"""What was finished in a run that has no answer: it was paid for, so it is not thrown away."""

from __future__ import annotations

from konseho_cli.engine.outcome import RunOutcome


def leftovers(outcome: RunOutcome) -> str:
    """The outputs of all finished steps, each under its name; empty where there is none."""
    blocks = [
        f"--- {step.id}/{part.label} ---\n{part.text.strip()}"
        for step in outcome.steps
        for part in step.parts
    ]
    return "\n\n".join(blocks)
