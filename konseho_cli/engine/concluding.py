"""What a council comes to once its steps are over: its answer and its gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from konseho_cli.context.templates import evaluate, references
from konseho_cli.core.errors import TemplateFailed
from konseho_cli.engine.outcome import StepOutcome
from konseho_cli.engine.state import RunState
from konseho_cli.steps.base import root


async def final_names(state: RunState, steps: Sequence[tuple[str, StepOutcome]]) -> dict[str, Any]:
    """What `answer` and `gate` may read, of steps by id. Raises StoreFailed."""
    premises, holding = state.premises, state.holding
    names: dict[str, Any] = {"task": premises.task, "inputs": premises.inputs}
    texts = [text for text in (premises.answer, premises.gate) if text is not None]
    read = {root(path) for text in texts for path in references(text)}
    names.update({name: await holding.value(step) for name, step in steps if name in read})
    return names


async def final_answer(
    state: RunState, steps: Sequence[tuple[str, StepOutcome]], names: dict[str, Any]
) -> Any:
    """The `answer`, or the last step's output. Raises TemplateFailed, StoreFailed."""
    if state.premises.answer is not None:
        return evaluate(state.premises.answer, names)
    ran = [step for _, step in steps if step.status != "skipped"]
    return await state.holding.value(ran[-1]) if ran else None


def final_gate(state: RunState, names: dict[str, Any]) -> bool | None:
    """None where it has none. Raises TemplateFailed."""
    if state.premises.gate is None:
        return None
    gate = evaluate(state.premises.gate, names)
    if not isinstance(gate, bool):
        raise TemplateFailed(f"`gate` must be true or false, not {gate!r:.60}")
    return gate
