"""The steps that a step holds: a plan inside of the run's, in a state of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from konseho_cli.agents.rota import Rota
from konseho_cli.core.deadline import earliest, ending_at
from konseho_cli.core.errors import OwnLimitReached, StepFailed, UsageError
from konseho_cli.core.units import show_duration
from konseho_cli.engine.concluding import final_answer, final_gate, final_names
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.engine.plan import Plan, PlannedStep
from konseho_cli.engine.state import RunState
from konseho_cli.engine.windowing import Summaries
from konseho_cli.models.base import place_of
from konseho_cli.spec.document import CouncilSpec
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.steps.base import JSON
from konseho_cli.steps.results import Conferred, Part, Ran
from konseho_cli.telemetry.spans import Scope

if TYPE_CHECKING:
    from konseho_cli.engine.step_state import StepState
    from konseho_cli.engine.windowing import Source


async def run_block(
    around: StepState,
    scope: Scope,
    block: str,
    iteration: int,
    names: Mapping[str, JSON],
    earlier: Sequence[Part],
) -> Ran:
    """Run a block of a step to its end. Raises what a step in it ended the block with."""
    plan = around.planned.blocks[block]
    state = inside(around, block, iteration, names, earlier)
    keep = _keeper(around, state, block, iteration)
    await state.run_plan(state, plan, keep, scope)
    for planned in plan.steps:
        tell(around, state, planned)
    return _ran(state, plan)


def _keeper(
    around: StepState, state: RunState, block: str, iteration: int = 0
) -> Callable[[StepOutcome, PlannedStep], None]:
    """Keeps what a step came to; what its holder leaves of it in the end is its record."""
    held = around.run.inside[around.planned.id]
    place = list(around.planned.blocks).index(block)

    def keep(outcome: StepOutcome, planned: PlannedStep) -> None:
        state.outcomes[planned.id] = outcome
        held.records[iteration, place, planned.index] = _record(outcome, held.start)
        state.announce(outcome)

    return keep


async def run_council(
    around: StepState, scope: Scope, task: str | None, inputs: Mapping[str, JSON]
) -> Conferred:
    """Run the council of a step. Raises what ended it, StepFailed for inputs that do not fit."""
    spec, plan = around.planned.council, around.planned.blocks["council"]
    assert spec is not None
    state = _inner_council(around, spec, task, inputs)
    end, limit = None, spec.limits.time
    if limit is not None:
        end = asyncio.get_running_loop().time() + limit
        state.deadline = earliest(end, state.deadline)
    what = f"the limit of council '{spec.name}' of {show_duration(limit or 0)} is reached"
    async with ending_at(end, lambda: OwnLimitReached(what)):
        await state.run_plan(state, plan, _keeper(around, state, "council"), scope)
    for planned in plan.steps:
        tell(around, state, planned)
    steps = [(planned.id, state.outcomes[planned.id]) for planned in plan.steps]
    names = await final_names(state, steps)
    lessened = any(step.status in ("degraded", "failed") for _, step in steps)
    return Conferred(
        council=spec.name, answer=await final_answer(state, steps, names),
        gate=final_gate(state, names), status="degraded" if lessened else "ok",
    )  # fmt: skip


def _inner_council(
    around: StepState, spec: CouncilSpec, task: str | None, inputs: Mapping[str, JSON]
) -> RunState:
    """The state of a council inside: of what is around it sees what it is given, and no more."""
    run, place = around.run, place_of(around.run.address(around.planned))
    try:
        filled = fill_inputs(spec, inputs)
    except UsageError as error:
        raise StepFailed(around.run.address(around.planned), str(error)) from None
    premises = structs.replace(
        run.premises, council=spec.name, task=task or spec.task or run.premises.task,
        inputs=filled, cast=run.premises.cast.within(place), on_error=spec.on_error,
        answer=spec.answer, gate=spec.gate,
    )  # fmt: skip
    state = inside(around, "council", 0, {}, ())
    # Agents of the same names are others here, so their turns are others, too.
    return structs.replace(state, premises=premises, given={}, earlier=None, rota=Rota())


def skip_block(around: StepState, block: str, reason: str) -> Ran:
    """Leave a block out, and say so of each of its steps."""
    plan = around.planned.blocks[block]
    state = inside(around, block, 0, {}, ())
    keep = _keeper(around, state, block)
    for planned in plan.steps:
        outcome = StepOutcome(
            id=state.address(planned), kind=planned.step.kind, status="skipped", reasons=(reason,)
        )
        keep(outcome, planned)
    return _ran(state, plan)


def inside(
    around: StepState,
    block: str,
    iteration: int,
    names: Mapping[str, JSON],
    earlier: Sequence[Part],
) -> RunState:
    """The state of a block: what is shared stays shared, and what is around can be read."""
    run, planned = around.run, around.planned
    parts = [block.partition(".")[2], str(iteration) if iteration else ""]
    place = "".join(f"{part}." for part in parts if part)

    def said() -> list[Source]:
        before = run.sources(planned)
        return [*before, *({"title": part.label, "text": part.text} for part in earlier)]

    run.summaries = run.summaries or Summaries()  # one for all, whoever asks first
    return RunState(
        premises=run.premises, recorder=run.recorder, bus=run.bus, holding=run.holding,
        run_plan=run.run_plan, calls=run.calls, deadline=around.deadline, summaries=run.summaries,
        rota=run.rota,
        prefix=f"{run.address(planned)}.{place}", path=f"{around.path}.{place}",
        top=run.top or planned.id, given={**around.names, **names}, earlier=said,
    )  # fmt: skip


def tell(around: StepState, state: RunState, planned: PlannedStep) -> None:
    """Hand the reasons why a step is less than was asked for to the step around it."""
    outcome = state.outcomes[planned.id]
    if outcome.status in ("degraded", "failed"):
        place = state.address(planned).removeprefix(f"{around.run.address(around.planned)}.")
        for reason in outcome.reasons:
            around.degrade(f"{place}: {reason}")


def _ran(state: RunState, plan: Plan) -> Ran:
    outcomes = [state.outcomes[planned.id] for planned in plan.steps]
    return Ran(
        values={planned.id: state.outcomes[planned.id].value for planned in plan.steps},
        parts=tuple(
            Part(label=f"{planned.id} / {part.label}", text=part.text)
            for planned, outcome in zip(plan.steps, outcomes, strict=True)
            for part in outcome.parts
        ),
    )


def _record(outcome: StepOutcome, since: int) -> dict[str, Any]:
    """As plain values, without what the value of the step around it, which began then, says."""
    began = None if outcome.start is None else (outcome.start - since) / 1e9
    took = None
    if outcome.start is not None and outcome.end is not None:
        took = (outcome.end - outcome.start) / 1e9
    return {
        "id": outcome.id, "kind": outcome.kind, "status": outcome.status,
        "reasons": list(outcome.reasons), "began_s": began, "took_s": took,
        "details": dict(outcome.details),
    }  # fmt: skip
