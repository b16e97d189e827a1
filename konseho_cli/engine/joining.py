"""Who is told of a run's calls and steps: the tape, the store, and the collector of garbage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from konseho_cli.engine.outcome import StepOutcome

if TYPE_CHECKING:  # only a run that is kept or recorded loads them
    from konseho_cli.engine.keeping import Keeper
    from konseho_cli.models.journal import Journal
    from konseho_cli.models.tape import Tape


def journal_of(tape: Tape | None, keeper: Keeper | None) -> Journal | None:
    """The journal of a run that is on tape, in the store, or both."""
    if tape is None or keeper is None:
        return tape or keeper
    from konseho_cli.models.journal import Journals

    return Journals(tape, keeper)


def at_step_end(
    keeper: Keeper | None, collect: Callable[[], None]
) -> Callable[[StepOutcome, int], None]:
    """What is done where a step has ended."""
    if keeper is None:
        return lambda outcome, index: collect()
    keep = keeper.step_ended

    def ended(outcome: StepOutcome, index: int) -> None:
        keep(outcome, index)
        collect()

    return ended
