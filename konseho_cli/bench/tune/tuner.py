"""Tunes: one change at a time, measured, then kept or rolled back, until a round keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol

import msgspec

from konseho_cli.bench.comparison import Compared
from konseho_cli.bench.tune.learning import Learning, name_of
from konseho_cli.bench.tune.seen import difference, facts_of
from konseho_cli.bench.tune.tuning import (
    SLOTS,
    Change,
    Facts,
    Ruling,
    Scope,
    Setup,
    choose,
    proposals,
    rule_cpu,
    rule_waiting,
    saving,
)
from konseho_cli.core.errors import KonsehoError
from konseho_cli.engine.outcome import RunOutcome


class Trials(Protocol):
    """Replays of one record, at no cost."""

    @property
    def repeated(self) -> dict[str, int]:
        """By step: requests that were made more than once in the record."""
        ...

    def replay(self, setup: Setup) -> RunOutcome:
        """One, in virtual time. Raises KonsehoError where such a run cannot begin."""
        ...

    def cpu(self, before: Setup, after: Setup, gate: float) -> Compared:
        """CPU times of replays, turn about; `gate`: how narrow the interval is to become."""
        ...


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One change and what came of it."""

    change: Change
    ruling: Ruling
    beside: Setup
    """What was in force before it."""
    measure: Literal["waiting", "cpu", ""] = ""
    """What was compared: makespans in virtual time, or CPU times; nothing, where answers differ."""
    before_s: float = 0.0
    after_s: float = 0.0
    low: float | None = None
    """The interval of after ÷ before; None: the measure is exact."""
    high: float | None = None
    same_answers: bool = True
    """Whether every step came to the same value."""

    @property
    def saved(self) -> float:
        """The share that it saves."""
        return saving(self.before_s, self.after_s)

    @property
    def has_own_line(self) -> bool:
        """Whether a line of the council's file holds over what a preset says of it."""
        return any(edit.path == (SLOTS,) for edit in self.change.edits)

    @property
    def kept(self) -> bool:
        """Whether it stays."""
        return self.ruling.verdict == "kept"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How to tune."""

    scope: Scope
    gate: float
    """The least saving that a change stays for."""
    council: str = ""
    """The council's content, as a digest: what was learnt holds for this one alone."""
    learnt: Mapping[str, Learning] = {}
    """By name: a change that was rolled back before is not tried again."""
    is_over: Callable[[], bool] = lambda: False
    """Whether the time is up."""


class Tuner:
    """One tuning: iterate over `tries`, then read where it stands."""

    def __init__(self, trials: Trials, start: Setup, wanted: Wanted) -> None:
        """Raises KonsehoError where the record cannot be replayed."""
        self._trials = trials
        self._wanted = wanted
        self.setup = self.start = start
        self.baseline = self.now = self._baseline()
        self.out_of_time = False

    def plan(self) -> list[Change]:
        """What would be tried first, as far as can be said before anything is."""
        found = proposals(self.setup, self._facts(), self._wanted.scope)
        return [change for change in found if self._known(change) is None]

    def tries(self) -> Iterator[Tried]:
        """Each try, as it is done."""
        tried: set[tuple[Setup, str]] = set()
        held = {self.start}
        while True:
            found = proposals(self.setup, self._facts(), self._wanted.scope)
            change = choose(self.setup, found, tried, held)
            if change is None:
                return
            if self._wanted.is_over():
                self.out_of_time = True
                return
            tried.add((self.setup, change.slug))
            done = self._skipped(change) or self._try(change)
            held.add(self.setup)
            yield done

    def _baseline(self) -> RunOutcome:
        outcome = self._trials.replay(self.start)
        if outcome.error is not None:
            raise KonsehoError(
                f"the recorded run cannot be replayed: {outcome.error}", hint=outcome.hint
            )
        return outcome

    def _facts(self) -> Facts:
        return facts_of(self.now, self._trials.repeated)

    def _known(self, change: Change) -> Learning | None:
        """Why it need not be tried again."""
        wanted = self._wanted
        known = wanted.learnt.get(name_of(wanted.council, self.setup, change))
        return known if known is not None and known.holds(wanted.gate) else None

    def _skipped(self, change: Change) -> Tried | None:
        known = self._known(change)
        if known is None:
            return None
        ruling = Ruling(verdict="skipped", why=known.why)
        return Tried(change=change, ruling=ruling, beside=self.setup)

    def _try(self, change: Change) -> Tried:
        before, setup = self.setup, self.setup.with_(change)
        try:
            outcome = self._trials.replay(setup)
            differs = difference(self.baseline, outcome)
        except KonsehoError as error:
            outcome, differs = self.now, f"the run breaks: {error}"
        if differs:
            # It may have ended early, so that no time of it says anything.
            ruling = Ruling(verdict="rolled back", why=differs)
            return Tried(change=change, ruling=ruling, beside=before, same_answers=False)
        ruling = rule_waiting(self.now.duration_s, outcome.duration_s, self._wanted.gate)
        if change.runtime and ruling.verdict != "kept" and not self._slower(outcome):
            compared = self._trials.cpu(before, setup, self._wanted.gate)
            ruling = rule_cpu(compared, self._wanted.gate)
            done = Tried(
                change=change, ruling=ruling, beside=before, measure="cpu",
                before_s=compared.before, after_s=compared.after,
                low=compared.low, high=compared.high,
            )  # fmt: skip
        else:
            done = self._tried(change, ruling, outcome)
        if done.kept:
            self.setup, self.now = setup, outcome
        return done

    def _slower(self, outcome: RunOutcome) -> bool:
        return outcome.end - outcome.start > self.now.end - self.now.start

    def _tried(self, change: Change, ruling: Ruling, outcome: RunOutcome) -> Tried:
        return Tried(
            change=change, ruling=ruling, beside=self.setup, measure="waiting",
            before_s=self.now.duration_s, after_s=outcome.duration_s,
        )  # fmt: skip
