"""What a run would have taken with something changed: what a what-if came to."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One what-if, replayed in virtual time. It predicts time and cost, never answers."""

    change: str
    """As people read it: `critic twice as fast`, `max_concurrency 8`."""
    options: tuple[str, ...]
    """As `konseho whatif` takes it: `--agent critic=0.5x`."""
    before_s: float
    """The makespan as it was replayed unchanged: CPU is in neither."""
    after_s: float
    cost: Decimal | None
    """Dollars; None: unknown."""
    calls: int
    guessed: int
    """Calls that the recording did not hold, and that took their agent's median in that step."""
    path: tuple[str, ...]
    """The headline of the new critical path."""
    limit_reached: str = ""
    """What ended it early, in one line; empty: it came to its end."""

    @property
    def saved_s(self) -> float:
        """Seconds; negative where it would have taken longer."""
        return self.before_s - self.after_s

    def fails(self, unchanged: Prediction) -> bool:
        """Whether it ends early where the run as it was did not: its makespan is then no saving."""
        return self.limit_reached not in ("", unchanged.limit_reached)

    @property
    def approximate(self) -> bool:
        """Whether more than a twentieth of its calls were guessed: shown as ≈."""
        return self.guessed > 0.05 * self.calls
