"""What-if: a stored run, replayed in virtual time through the real executor, with something changed.

Slots, rates, backoffs, quorums and budgets work as they do in a run; only the models are stood in
for. It predicts time and cost, never answers. Virtual time leaves CPU out, and so does every
what-if.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import VirtualLoop
from konseho_cli.engine.history import cassette_of
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.remembered import Remembered, decode
from konseho_cli.engine.taping import Taping
from konseho_cli.models.cassette_file import Cassette
from konseho_cli.profiling.prediction import Prediction
from konseho_cli.profiling.time.analysis import Analysis
from konseho_cli.profiling.time.critical_path import CriticalPath, critical_path
from konseho_cli.profiling.whatif.changes import Changes
from konseho_cli.profiling.whatif.held import held_calls
from konseho_cli.profiling.whatif.retiming import Changing
from konseho_cli.profiling.whatif.standing_in import Library, StandIn
from konseho_cli.profiling.whatif.stated import read_options
from konseho_cli.profiling.whatif.tempting import Scene, best_of, candidates
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.loaded import Loaded
from konseho_cli.store.base import SpanKept, StoredRun
from konseho_cli.telemetry.spans import WAITS

BEST = 3
MOST_CALLS = 20_000
"""Of a run: beyond that nobody waits for replays that they did not ask for."""
MOST_TRIALS = 16
TRIED_CALLS = 8_000
"""In all trials together: some seconds."""


class Rehearsal:
    """One stored run, ready to be replayed again and again. For code outside of an event loop."""

    def __init__(
        self,
        run: StoredRun,
        spans: Sequence[SpanKept],
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Raises StoreFailed for a run that cannot be read, UsageError for one without calls."""
        began = run.row.began
        if not run.calls:
            raise UsageError(f"run {began.run} made no calls, so there is nothing to change")
        self.run = run
        self._env = os.environ if env is None else env
        self._remembered: Remembered = decode(began.document, began.run)
        self._cassette = _header_of(run)
        self.calls = held_calls(run, spans)
        self._library = Library(self.calls)

    @cached_property
    def loaded(self) -> Loaded:
        """The council as it ran."""
        return self._remembered.loaded()

    @cached_property
    def changing(self) -> Changing:
        """What can be changed, by its names."""
        session = self._session(self.loaded, None, partial(StandIn, self._library, _same, seed=0))
        return Changing(
            loaded=session.loaded,
            document=self._remembered.council,
            casting=session.casting,
            wishes=session.taped.wishes,
        )

    @property
    def recorded_s(self) -> float:
        """The makespan of the run itself, all its sessions together."""
        ended = self.run.row.ended
        latest = max(call.end for call in self.run.calls)
        return (latest if ended is None else ended.duration) / 1e9

    @cached_property
    def _as_it_was(self) -> tuple[RunOutcome, StandIn]:
        return self._replay(Changes())

    @cached_property
    def unchanged(self) -> Prediction:
        """The run as it is replayed with nothing changed."""
        outcome, stand_in = self._as_it_was
        found = _prediction(Changes(), 0.0, outcome, stand_in)
        return structs.replace(found, before_s=found.after_s)

    def predict(self, changes: Changes) -> Prediction:
        """What it would have taken. Raises UsageError for names that the run does not know."""
        outcome, stand_in = self._replay(changes)
        return _prediction(changes, self.unchanged.after_s, outcome, stand_in)

    def suppose(self, options: Sequence[str]) -> Prediction:
        """What options of `konseho whatif` come to. Raises UsageError."""
        return self.predict(read_options(options))

    def best(self, path: CriticalPath | None = None, most: int = BEST) -> tuple[Prediction, ...]:
        """The what-ifs that would save most, at least a hundredth each. `path`: that of the run."""
        if len(self.calls) > MOST_CALLS:
            return ()
        remembered, options = self._remembered, self._remembered.options
        limit = (
            options.max_concurrency
            or remembered.council.get("max_concurrency")
            or options.settings.max_concurrency
        )
        spans = self._as_it_was[0].spans
        scene = Scene(
            changing=self.changing, concurrency=limit, calls=self.calls,
            path=critical_path(spans) if path is None else path,
            waits=frozenset(span.kind for span in spans if span.end > span.start) & WAITS,
        )  # fmt: skip
        trials = max(2, min(MOST_TRIALS, TRIED_CALLS // len(self.calls)))
        reached = self.unchanged.limit_reached
        return best_of(candidates(scene), self.predict, trials, reached)[:most]

    def replay(self, changes: Changes) -> RunOutcome:
        """The whole outcome: its times are right, its answers are those of then."""
        return self._replay(changes)[0]

    def _replay(self, changes: Changes) -> tuple[RunOutcome, StandIn]:
        changing = self.changing
        stand_in = StandIn(
            self._library, changing.retime(changes), seed=self._remembered.seed,
            cache_hit=changes.cache_hit,
        )  # fmt: skip
        session = self._session(changing.council(changes), changes.concurrency, lambda: stand_in)
        session.ready.casting = changing.limited(changes)
        loop = partial(VirtualLoop, wall_s=self._cassette.header.started)
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(session.run()), stand_in

    def _session(
        self, loaded: Loaded, concurrency: int | None, stand_in: Callable[[], StandIn]
    ) -> Session:
        remembered = self._remembered
        said = remembered.options
        options = RunOptions(
            task=remembered.task,
            inputs=fill_inputs(loaded.spec, remembered.inputs),
            max_concurrency=concurrency or said.max_concurrency,
            seed=remembered.seed,
            timeout_s=said.timeout_s,
            settings=said.settings,
            taping=Taping(replay=self._cassette, speed=0, stand_in=stand_in),
        )
        return Session(loaded, options, self._env)


def predict(run: StoredRun, spans: Sequence[SpanKept], changes: Changes) -> Prediction:
    """One what-if; for code outside of an event loop, as a thread is.

    Raises UsageError for names that the run does not know, StoreFailed.
    """
    return Rehearsal(run, spans).predict(changes)


def best(
    run: StoredRun, spans: Sequence[SpanKept], analysis: Analysis | None = None
) -> tuple[Prediction, ...]:
    """The three what-ifs that would save most; for code outside of an event loop.

    None for a run without calls, or with too many of them. Raises StoreFailed.
    """
    if not run.calls:
        return ()
    return Rehearsal(run, spans).best(None if analysis is None else analysis.path)


def _header_of(run: StoredRun) -> Cassette:
    """A cassette of the run with nothing on it: who is cast, and with which seed."""
    return cassette_of(structs.replace(run, calls=()))


def _same(agent: str, model: str, service: int) -> int:
    return service


def _prediction(
    changes: Changes, before_s: float, outcome: RunOutcome, stand_in: StandIn
) -> Prediction:
    return Prediction(
        change=changes.words(),
        options=changes.options(),
        before_s=before_s,
        after_s=outcome.duration_s,
        cost=outcome.cost,
        calls=len(outcome.calls),
        guessed=stand_in.guessed,
        path=critical_path(outcome.spans).headline(),
        limit_reached=outcome.error or "",
    )
