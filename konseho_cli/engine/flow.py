"""The steps of one plan on their way: each starts the moment what it waits for is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.group import Group, being_cancelled
from konseho_cli.engine.outcome import ENDED_FIRST, StepOutcome
from konseho_cli.engine.plan import Plan, PlannedStep, ready
from konseho_cli.engine.state import RunState
from konseho_cli.engine.stepping import Stepped, run_step
from konseho_cli.steps.base import speaker_ids
from konseho_cli.telemetry.events import StepStarted
from konseho_cli.telemetry.spans import Scope

Ended = Callable[[StepOutcome, PlannedStep], None]
"""Told how a step ended; puts its outcome among the state's, as it is to be held."""


class Flow:
    """Runs a plan once: the whole council's, or that of the steps that another step holds."""

    def __init__(
        self, state: RunState, plan: Plan, ended: Ended, started: Iterable[str] = ()
    ) -> None:
        """`started`: steps that are not to be started, because they ended before."""
        self._state = state
        self._plan = plan
        self._ended = ended
        self._started = set(started)
        self._parent: int | None = None
        self._over: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self.error: KonsehoError | None = None
        """Why it ended early."""

    async def run(self, scope: Scope) -> None:
        """Run all steps, until the last has ended or one ends them all; why is in `error`."""
        group = Group()
        self._parent = scope.current
        if len(self._state.outcomes) == len(self._plan.steps):
            self.finish(None, waker=None)
        self._start_ready(group, self._plan.steps, waker=None)
        try:
            with scope.span("barrier", branches=len(self._plan.steps)) as barrier:
                barrier.waker = await self._over
        finally:
            await group.stop()

    def finish(self, error: BaseException | None, waker: int | None) -> None:
        """End it: with our own error as its end, with any other by raising it. The first counts."""
        if self._over.done():
            return
        if error is None or isinstance(error, KonsehoError):
            self.error = error
            self._over.set_result(waker)
        else:
            self._over.set_exception(error)

    def _start_ready(self, group: Group, steps: Iterable[PlannedStep], waker: int | None) -> None:
        """Start those of the steps that may start; `waker` is the step that just ended."""
        if self._over.done():
            return
        for planned in ready(steps, self._state.outcomes.keys(), self._started):
            self._started.add(planned.id)
            scope = Scope(self._state.recorder, self._parent)
            group.start(self._step(group, planned, scope, waker))

    async def _step(
        self, group: Group, planned: PlannedStep, scope: Scope, waker: int | None
    ) -> None:
        state = self._state
        address = state.address(planned)
        if state.wants(StepStarted):
            state.bus.emit(_started(planned, address, state.bus.now()))
        stepped: Stepped | None = None
        error: BaseException | None = None
        span = scope.span("step", waker=waker, step=address, step_kind=planned.step.kind)
        if len(planned.waits_for) > 1:  # of one, the waker says it
            span.note(needs=" ".join(sorted(state.prefix + step for step in planned.waits_for)))
        try:
            with span:
                stepped = await run_step(state, planned, scope)
            error = stepped.error
        except BaseException as problem:
            if being_cancelled():
                raise
            error = problem  # the owner raises it
        finally:
            outcome = (
                stepped.outcome
                if stepped
                else cut_short(planned, address, span.start, span.end, state.ran_in(planned))
            )
            try:
                self._record(outcome, planned)
            except Exception as problem:  # noqa: BLE001 - ours: the run ends, and does not hang
                error = problem
        waker = span.id
        if error is None and state.holding.pressed:
            del stepped, outcome  # they hold what is to leave memory
            waker = await state.holding.settle(scope, address)
        if error is not None or len(state.outcomes) == len(self._plan.steps):
            self.finish(error, waker)
        else:
            self._start_ready(group, self._plan.followers.get(planned.id, ()), waker)

    def _record(self, outcome: StepOutcome, planned: PlannedStep) -> None:
        self._state.forget(planned)
        self._ended(outcome, planned)


def cut_short(
    planned: PlannedStep,
    address: str,
    start: int | None,
    end: int | None,
    details: Mapping[str, Any] | None = None,
) -> StepOutcome:
    """The outcome of a step that did not come to its end, or never began."""
    return StepOutcome(
        id=address, kind=planned.step.kind, status="cancelled", start=start, end=end,
        reasons=(ENDED_FIRST,), details=details or {},
    )  # fmt: skip


def _started(planned: PlannedStep, address: str, at: int) -> StepStarted:
    return StepStarted(
        at=at, step=address, kind=planned.step.kind, agents=speaker_ids(planned.step)
    )


async def run_plan(state: RunState, plan: Plan, ended: Ended, scope: Scope) -> None:
    """Run the steps of a block. Raises what ended it early."""
    flow = Flow(state, plan, ended)
    await flow.run(scope)
    if flow.error is not None:
        raise flow.error
