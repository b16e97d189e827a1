"""What was measured, held against its targets and against what was measured before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from konseho_cli.bench.comparison import Outcome
from konseho_cli.bench.measure import Row
from konseho_cli.bench.statistics import Round, Summary, Verdict, ours, peer, ratio
from konseho_cli.bench.targets import NOTHING_STATED, Target

Unit: TypeAlias = Literal["s", "B", "$", "%", "tokens", "calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """How a figure compares with the same figure of before."""

    before: float
    after: float
    verdict: Literal["faster", "slower", "inconclusive", "equal", "new", "not compared"]
    outcome: Outcome
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    """The interval of the ratio; None: the figures are exact, or nothing could be said."""
    pairs: int = 0
    weak: bool = False
    """Whether the figure of before was measured at another time, perhaps on another machine."""
    note: str = ""
    """Why it came to this outcome, where that is not plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure."""

    name: str
    title: str
    unit: Unit
    target: Target = NOTHING_STATED
    samples: tuple[float, ...]
    """Empty: it is unknown."""
    ours: Summary | None
    peer_name: str = ""
    """What it is compared with in the same run; empty: nothing."""
    peer: Summary | None = None
    ratio: Summary | None = None
    exact: bool = False
    """Whether it is the same each time, so that a difference needs no statistics."""
    against: Against | None = None

    @classmethod
    def of(cls, row: Row, target: Target, rounds: Sequence[Round]) -> Result:
        """Of a row, from its rounds."""
        return cls(
            name=row.name, title=row.title, unit=target.unit, target=target,
            samples=tuple(sample for each in rounds for sample in each.ours),
            ours=ours(rounds), peer_name=row.peer, peer=peer(rounds), ratio=ratio(rounds),
        )  # fmt: skip

    @property
    def stated(self) -> Verdict | None:
        """Whether the stated target holds."""
        if self.target.stated is not None and self.ours is None:
            return "missed"  # what nobody can check does not hold
        if self.exact and self.target.stated is not None and self.ours is not None:
            return "met" if self.ours.median <= self.target.stated else "missed"
        return self.target.stated_verdict(self.ours, self.ratio)

    @property
    def aim(self) -> Verdict | None:
        """Whether the aim is reached."""
        return self.target.aim_verdict(self.ours, self.ratio)

    @property
    def is_compared(self) -> bool:
        """Whether there was something to hold it against."""
        return self.against is not None and self.against.verdict not in ("new", "not compared")

    @property
    def is_refused(self) -> bool:
        """Whether a gate stays shut because of it."""
        regressed = self.against is not None and self.against.outcome == "regression"
        return regressed or self.stated == "missed"

    @property
    def is_unclear(self) -> bool:
        """Whether noise is all that can be said of it."""
        unclear = self.against is not None and self.against.outcome == "inconclusive"
        return unclear or self.stated == "inconclusive"


def exit_status(results: Sequence[Result], *, compared: bool = False) -> int:
    """0 fine; 1 a stated target is missed or something got slower; 4 it cannot be told from noise.

    `compared`: a comparison was asked for, so that it is 4, too, where none came about.
    """
    if any(result.is_refused for result in results):
        return 1
    nothing = compared and not any(result.is_compared for result in results)
    return 4 if nothing or any(result.is_unclear for result in results) else 0
