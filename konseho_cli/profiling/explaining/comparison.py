"""Two runs beside each other: figures, steps, what was asked of them, answers. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from konseho_cli.engine.outcome import CallRecord, RunOutcome, StepOutcome, total_cost, total_usage
from konseho_cli.engine.remembered import Remembered
from konseho_cli.engine.within import Said, addresses, by_step, every_outcome, own_details
from konseho_cli.profiling.explaining.likeness import alike

_AROUND = 3
"""Lines around a difference."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs."""

    run: str
    council: str
    status: str
    started: float
    """Seconds since the epoch."""
    duration_s: float
    calls: int
    tokens: int
    cost: Decimal | None
    """Dollars; None: unknown."""
    models: tuple[str, ...]
    simulated: bool


class StepSide(msgspec.Struct, frozen=True, kw_only=True):
    """One step in one of the runs."""

    kind: str
    status: str
    duration_s: float | None
    calls: int
    tokens: int
    cost: Decimal | None


class StepComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One step in both."""

    id: str
    before: StepSide | None
    """None: the run has no such step."""
    after: StepSide | None
    same_output: bool
    alike: float | None
    """How alike the outputs are where they differ: the pairs of neighbouring words in common."""
    decided: tuple[str, str] | None
    """The winners of a vote that ended otherwise."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The whole; texts are unified diffs, empty where there is no difference."""

    before: Side
    after: Side
    same_answer: bool
    steps: tuple[StepComparison, ...]
    """In the order of the later file, then those that are only in the earlier one."""
    council: tuple[str, ...]
    """Of the councils' documents."""
    given: tuple[str, ...]
    """Of the task, the inputs, and what the callers wished."""
    answer: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run: what it came to, and what it began with."""

    outcome: RunOutcome
    began: Remembered
    said: Said = {}
    """What the steps inside of others said, by their addresses."""


def compare(before: Kept, after: Kept) -> Comparison:
    """`before` and `after` are only names: the runs may be of any order and of any council."""
    one, other = before.outcome, after.outcome
    sides = [
        {step.id: step for step in every_outcome(kept.outcome, kept.said)}
        for kept in (before, after)
    ]
    calls = [by_step(kept.outcome.calls) for kept in (before, after)]
    names = _in_order((*sides[1], *sides[0]))
    runs = (one.run, other.run)
    same = type(one.answer) is type(other.answer) and one.answer == other.answer
    return Comparison(
        before=_side(one),
        after=_side(other),
        same_answer=same,
        steps=tuple(
            _step(
                name, sides[0].get(name), sides[1].get(name), [own.get(name, ()) for own in calls]
            )
            for name in names
        ),
        council=_difference(before.began.council, after.began.council, runs),
        given=_difference(_given(before.began), _given(after.began), runs),
        answer=() if same else _difference(one.answer, other.answer, runs),
    )


def _in_order(names: Sequence[str]) -> list[str]:
    """Each once, as they come, but those inside of a step of the council with that step."""
    found = list(dict.fromkeys(names))
    tops = {top: at for at, top in enumerate(dict.fromkeys(addresses(name)[0] for name in found))}
    return sorted(found, key=lambda name: tops[addresses(name)[0]])


def _side(outcome: RunOutcome) -> Side:
    return Side(
        run=outcome.run,
        council=outcome.council,
        status=outcome.status,
        started=outcome.anchor.wall_s + (outcome.start - outcome.anchor.loop_ns) / 1e9,
        duration_s=outcome.duration_s,
        calls=sum(call.is_made for call in outcome.calls),
        tokens=outcome.usage.total,
        cost=outcome.cost,
        models=_models(outcome),
        simulated=outcome.simulated,
    )


def _models(outcome: RunOutcome) -> tuple[str, ...]:
    """Who answered, in the order of the first answers; who was to, where nobody did."""
    asked = (call.model for call in outcome.calls if call.status == "ok")
    return tuple(dict.fromkeys(asked)) or outcome.models


def _step(
    name: str,
    before: StepOutcome | None,
    after: StepOutcome | None,
    calls: Sequence[Sequence[CallRecord]],
) -> StepComparison:
    both = before is not None and after is not None
    same = both and _output(before) == _output(after)
    return StepComparison(
        id=name,
        before=_step_side(before, calls[0]),
        after=_step_side(after, calls[1]),
        same_output=same,
        alike=None if same or not both else alike(_said(before), _said(after)),
        decided=_decided(before, after),
    )


def _output(step: StepOutcome | None) -> Any:
    """What it came to; of a step inside of another what was said in it, or else its record."""
    if step is None:
        return None
    if "." not in step.id:
        return step.value
    return [part.text for part in step.parts] or own_details(step)


def _step_side(step: StepOutcome | None, calls: Sequence[CallRecord]) -> StepSide | None:
    if step is None:
        return None
    ended = step.start is not None and step.end is not None
    return StepSide(
        kind=step.kind,
        status=step.status,
        duration_s=((step.end or 0) - (step.start or 0)) / 1e9 if ended else None,
        calls=len(calls),
        tokens=total_usage(calls).total,
        cost=total_cost(calls),
    )


def _said(step: StepOutcome | None) -> str:
    return "\n".join(part.text for part in step.parts) if step is not None else ""


def _decided(before: StepOutcome | None, after: StepOutcome | None) -> tuple[str, str] | None:
    winners = [step.details.get("winner") if step is not None else None for step in (before, after)]
    if None in winners or winners[0] == winners[1]:
        return None
    return str(winners[0]), str(winners[1])


def _given(began: Remembered) -> dict[str, Any]:
    """Without what was not said."""
    said = {
        "task": began.task,
        "inputs": began.inputs,
        "model": began.wished.model,
        "models": dict(began.wished.models),
        "simulate": began.wished.simulate,
        "default_model": began.wished.default,
        "seed": began.seed,
        **msgspec.to_builtins(began.options),
    }
    return _said_alone(said)  # type: ignore[no-any-return]


def _said_alone(value: Any) -> Any:
    """Without what is empty, however deep."""
    if not isinstance(value, Mapping):
        return value
    found = {name: _said_alone(inner) for name, inner in value.items()}
    return {name: inner for name, inner in found.items() if inner not in (None, "", {}, False)}


def _difference(before: Any, after: Any, runs: tuple[str, str]) -> tuple[str, ...]:
    """A unified diff of two values as people read them."""
    if before == after:
        return ()
    lines = (list(_lines(before)), list(_lines(after)))
    return tuple(difflib.unified_diff(*lines, *runs, lineterm="", n=_AROUND))


def _lines(value: Any) -> Iterator[str]:
    """Text line by line; a structure as `path: value`, so that a difference says where it is."""
    if value is None:
        return
    if isinstance(value, str):
        yield from value.splitlines()
    else:
        yield from _flat("", value)


def _flat(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, (list, tuple)) and value:
        for place, inner in enumerate(value):
            yield from _flat(f"{path}[{place}]", inner)
    elif isinstance(value, str) and "\n" in value:
        yield f"{path}:"
        yield from (f"  {line}" for line in value.splitlines())
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{path}: {text}" if path else text
