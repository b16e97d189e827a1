"""One step: its condition, its tries, and what its failure comes to."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from msgspec import structs

from konseho_cli.context.templates import as_json, evaluate
from konseho_cli.core.deadline import earliest, ending_at
from konseho_cli.core.errors import (
    BudgetReached,
    KonsehoError,
    ModelRefused,
    OwnLimitReached,
    StepFailed,
    StepTimeout,
    TemplateFailed,
)
from konseho_cli.core.hashing import rng
from konseho_cli.core.units import show_duration
from konseho_cli.engine.context import Context
from konseho_cli.engine.outcome import StepOutcome, StepStatus
from konseho_cli.engine.plan import PlannedStep
from konseho_cli.engine.state import Inside, RunState
from konseho_cli.engine.step_state import StepState
from konseho_cli.steps.fields import OnError
from konseho_cli.steps.results import Part, StepResult
from konseho_cli.telemetry.spans import Scope

RETRIES = 2
"""Of a step under `on_error: retry` that does not say how many."""
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 30.0

NOTHING = StepResult(value=None, parts=())


class Stepped(msgspec.Struct, frozen=True, kw_only=True):
    """How a step ended; `error` is set where its failure must halt the run."""

    outcome: StepOutcome
    error: KonsehoError | None = None


async def run_step(state: RunState, planned: PlannedStep, scope: Scope) -> Stepped:
    """Run one step to its end. Raises BudgetReached, which ends the run by other means."""
    start = state.recorder.now()
    if planned.blocks:
        state.inside[planned.id] = Inside(start=start)

    def ended(status: StepStatus, *reasons: str, result: StepResult = NOTHING) -> StepOutcome:
        return StepOutcome(
            id=state.address(planned),
            kind=planned.step.kind,
            status=status,
            value=result.value,
            parts=result.parts,
            details=result.details,
            reasons=reasons,
            start=start,
            end=state.recorder.now(),
        )

    on_error = planned.step.on_error or state.premises.on_error
    names = state.names(planned)
    try:
        if state.holding.active:
            await state.recall(planned, names)
        if not _wanted(planned, names):
            return Stepped(outcome=ended("skipped", "`when` is false"))
        result, reasons = await _in_time(state, planned, scope, names, on_error)
        if planned.blocks:
            details = {**result.details, **state.ran_in(planned)}
            result = structs.replace(result, details=details)
        return Stepped(outcome=ended("degraded" if reasons else "ok", *reasons, result=result))
    except BudgetReached:
        raise
    except KonsehoError as error:
        left = _left_by(error, state, planned)
        if on_error == "continue":
            return Stepped(outcome=ended("failed", str(error), result=left))
        fallback = planned.step.fallback
        if on_error == "fallback" and fallback is not None and fallback.agent is None:
            stand_in = _fixed(fallback.value, left)
            return Stepped(
                outcome=ended("degraded", f"its fallback stands in: {error}", result=stand_in)
            )
        return Stepped(
            outcome=ended("failed", str(error), result=left),
            error=_named(error, state.address(planned)),
        )


def _named(error: KonsehoError, step: str) -> KonsehoError:
    """The error as the run's: with the step that it happened in."""
    if isinstance(error, StepFailed) or error.exit_code != StepFailed.exit_code:
        return error
    named = StepFailed(step, str(error), hint=error.hint)
    named.__cause__ = error
    return named


def _left_by(error: KonsehoError, state: RunState, planned: PlannedStep) -> StepResult:
    """No result, but the record of what had happened."""
    details = error.details if isinstance(error, StepFailed) else {}
    if planned.blocks:
        details = state.ran_in(planned)  # the error's may be those of a step inside
    return StepResult(value=None, parts=(), details=details)


def _fixed(value: Any, left: StepResult) -> StepResult:
    text = value if isinstance(value, str) else as_json(value)
    return StepResult(value=value, parts=(Part(label="fallback", text=text),), details=left.details)


def _wanted(planned: PlannedStep, names: dict[str, Any]) -> bool:
    when = planned.step.when
    value = evaluate(when, names) if isinstance(when, str) else when
    if value is not None and not isinstance(value, bool):
        raise TemplateFailed(f"`when` must be true or false, not {value!r:.60}")
    return value is not False


async def _in_time(
    state: RunState,
    planned: PlannedStep,
    scope: Scope,
    names: dict[str, Any],
    on_error: OnError,
) -> tuple[StepResult, tuple[str, ...]]:
    """All tries, within the step's `limits.time`. Raises OwnLimitReached."""
    limits = planned.step.limits
    if limits is None or limits.time is None:
        return await _tries(state, planned, scope, names, on_error, state.deadline)
    end = asyncio.get_running_loop().time() + limits.time
    what = (
        f"the limit of step '{state.address(planned)}' of {show_duration(limits.time)} is reached"
    )
    async with ending_at(end, lambda: OwnLimitReached(what)):
        deadline = earliest(end, state.deadline)
        return await _tries(state, planned, scope, names, on_error, deadline)


async def _tries(
    state: RunState,
    planned: PlannedStep,
    scope: Scope,
    names: dict[str, Any],
    on_error: OnError,
    deadline: float | None,
) -> tuple[StepResult, tuple[str, ...]]:
    """The first try that succeeds, with the reasons why it is less than was asked for."""
    retries = planned.step.retries
    if retries is None:
        retries = RETRIES if on_error == "retry" else 0
    attempt = 0
    while True:
        own = state.path + planned.id
        path = f"{own}~{attempt}" if attempt else own
        step = StepState(
            run=state, planned=planned, on_error=on_error, names=names, path=path,
            deadline=deadline,
        )  # fmt: skip
        if planned.blocks:
            state.inside[planned.id].records.clear()
        try:
            result = await _one_try(planned, step, scope)
            return result, tuple(step.reasons)
        except BudgetReached:
            raise
        except (ModelRefused, TemplateFailed, OwnLimitReached):
            raise  # another try would say the same
        except KonsehoError:
            longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**attempt)
            wait_s = longest * rng(state.premises.seed, path, "backoff").uniform(0.5, 1)
            now = asyncio.get_running_loop().time()
            if attempt >= retries or (deadline is not None and now + wait_s >= deadline):
                raise
        with scope.span("backoff", step=state.address(planned), attempt=attempt):
            await asyncio.sleep(wait_s)
        attempt += 1


async def _one_try(planned: PlannedStep, step: StepState, scope: Scope) -> StepResult:
    timeout, ctx = planned.step.timeout, Context(step, scope)
    if timeout is None:
        return await _confer(planned, step, ctx)
    end = asyncio.get_running_loop().time() + timeout
    step.deadline = earliest(end, step.deadline)
    what = f"it took longer than its timeout of {show_duration(timeout)}"
    try:
        async with ending_at(end, lambda: StepTimeout(what)):
            return await _confer(planned, step, ctx)
    except StepTimeout:
        stands = planned.step.overdue()
        if stands is None:
            raise
        step.degrade(f"nobody answered in {show_duration(timeout)}: the default stands")
        return stands


async def _confer(planned: PlannedStep, step: StepState, ctx: Context) -> StepResult:
    """Run the step; what its window left out is in its details."""
    window = planned.step.window
    if window is None or not planned.step.shows_earlier or not step.run.shows(planned):
        return await planned.step.run(ctx)
    await ctx.look_back(window)
    result = await planned.step.run(ctx)
    if step.windowed is None or step.windowed.note is None:
        return result
    return structs.replace(result, details={**result.details, "window": step.windowed.note})
