"""Runs a plan: starts each step the moment what it waits for is there, and ends the run once."""

from __future__ import annotations

import asyncio

from msgspec import structs

from konseho_cli.core.clock import Anchor, Clock
from konseho_cli.core.errors import BudgetReached, KonsehoError, LimitReached
from konseho_cli.core.units import show_duration
from konseho_cli.engine.concluding import final_answer, final_gate, final_names
from konseho_cli.engine.flow import Flow, cut_short, run_plan
from konseho_cli.engine.holding import LOST, Holding, Readers
from konseho_cli.engine.outcome import RunOutcome, RunStatus, StepOutcome, any_simulated
from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.engine.state import Premises, RunState
from konseho_cli.telemetry.bus import Bus
from konseho_cli.telemetry.events import RunFinished, RunStarted
from konseho_cli.telemetry.spans import Recorder
from konseho_cli.telemetry.timings import INSIDE, Timings

RUN_SPAN = 0
"""The id of a run's own span: the first that is drawn."""


class Interrupted(KonsehoError):
    """Somebody asked the run to stop."""

    exit_code = 130


class Execution:
    """One run of a plan. Make it inside a running loop, await `run()` once."""

    def __init__(self, plan: Plan, premises: Premises, clock: Clock, bus: Bus) -> None:
        self._plan = plan
        self._premises = premises
        self._clock = clock
        readers = Readers(plan, premises.answer, premises.gate)
        holding = Holding(premises.context, premises.spill_in, readers)
        finished = {name: holding.kept(outcome) for name, outcome in premises.finished.items()}
        self._state = RunState(premises, Recorder(clock), bus, holding, run_plan, finished)
        self._scope = self._state.recorder.root()
        self._flow = Flow(self._state, plan, self._keep, started=premises.finished)
        self.start = clock.now()
        """When it began, in nanoseconds on the run's clock."""

    @property
    def premises(self) -> Premises:
        """What was given."""
        return self._premises

    @property
    def recorder(self) -> Recorder:
        """The run's spans."""
        return self._state.recorder

    def stop(self, error: KonsehoError) -> None:
        """End the run early; what is finished is kept. The first call counts."""
        self._flow.finish(error, waker=None)

    async def run(self) -> RunOutcome:
        """Run all steps. Failures are in the outcome; raises only what is a bug, or cancellation."""
        timings, outside = Timings(self._clock.now), INSIDE.get()
        INSIDE.set(timings)
        try:
            outcome = await self._run()
            return structs.replace(outcome, timings=timings.all())
        finally:
            INSIDE.set(outside)

    async def _run(self) -> RunOutcome:
        state, bus = self._state, self._state.bus
        anchor = Anchor.of(self._clock)
        if state.wants(RunStarted):
            bus.emit(self._announcement())
        for name, step in self._premises.finished.items():
            state.announce(step)
            state.holding.ended(name, state.outcomes)
        try:
            with self._scope.span("run", council=self._premises.council) as span:
                if self._premises.max_concurrency is not None:
                    span.note(max_concurrency=self._premises.max_concurrency)
                self.start = span.start
                timer = self._set_timer(self._premises.time_limit_s)
                try:
                    await self._flow.run(self._scope)
                finally:
                    if timer is not None:
                        timer.cancel()
            bus.flush()  # so that a listener that breaks now is still named
            outcome = await self._outcome(anchor, span.start, span.end)
            named = len(bus.warnings)
            self._say_finished(outcome.status)
            return structs.replace(outcome, warnings=(*outcome.warnings, *bus.warnings[named:]))
        except asyncio.CancelledError:
            self._say_finished("interrupted")
            raise
        except BaseException:
            self._say_finished("failed")
            raise

    def _say_finished(self, status: RunStatus) -> None:
        state, bus = self._state, self._state.bus
        if state.wants(RunFinished):
            bus.emit(RunFinished(at=bus.now(), run=self._premises.run, status=status))
        bus.flush()

    def _keep(self, outcome: StepOutcome, planned: PlannedStep) -> None:
        """Hold what a step came to, and tell who is to know."""
        state = self._state
        held = state.outcomes[outcome.id] = state.holding.keep(outcome)
        state.holding.ended(outcome.id, state.outcomes)
        state.announce(outcome)
        # Who writes it down is to read it from memory; what was said in a failed step is held alone.
        told = held if outcome.status in LOST else outcome
        for listener in self._premises.ended:
            listener(told, planned.index)

    def _set_timer(self, limit_s: float | None) -> asyncio.TimerHandle | None:
        if limit_s is None:
            return None
        error = BudgetReached(out_of_time(limit_s))
        loop = asyncio.get_running_loop()
        self._state.deadline = loop.time() + limit_s + self._premises.before_s
        return loop.call_at(self._state.deadline, self.stop, error)

    def _announcement(self) -> RunStarted:
        premises = self._premises
        return RunStarted(
            at=self._clock.now(),
            run=premises.run,
            council=premises.council,
            steps=tuple(step.id for step in self._plan.steps),
            models=premises.cast.models,
        )

    async def _outcome(self, anchor: Anchor, start: int, end: int) -> RunOutcome:
        state, premises = self._state, self._premises
        steps = tuple(
            state.outcomes.get(step.id) or cut_short(step, step.id, None, None)
            for step in self._plan.steps
        )
        error, answer, gate = self._flow.error, None, None
        if error is None:
            try:
                ended = [(step.id, step) for step in steps]
                names = await final_names(state, ended)
                answer = await final_answer(state, ended, names)
                gate = final_gate(state, names)
            except KonsehoError as failure:
                error = failure  # a bad gate does not take the answer away
        return RunOutcome(
            run=premises.run,
            council=premises.council,
            status=_status(error, steps),
            answer=answer,
            gate=gate,
            error=None if error is None else str(error),
            hint=None if error is None else error.hint,
            exit_code=0 if error is None else error.exit_code,
            simulated=any_simulated(state.calls),
            models=premises.cast.models,
            steps=steps,
            calls=tuple(state.calls),
            warnings=(*premises.warnings, *state.bus.warnings, *state.holding.warnings),
            anchor=anchor,
            start=start,
            end=end,
            spans=tuple(state.recorder.spans),
        )


def _status(error: KonsehoError | None, steps: tuple[StepOutcome, ...]) -> RunStatus:
    if isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, LimitReached):
        return "limit"
    if error is not None:
        return "failed"
    return "degraded" if any(step.status in ("degraded", "failed") for step in steps) else "ok"


def out_of_time(limit_s: float) -> str:
    """What a run says that its time limit, in seconds, has ended."""
    return f"the time limit of {show_duration(limit_s)} is reached"
