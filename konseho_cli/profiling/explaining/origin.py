"""Which output a run's answer is, and what an agent had before it: found in the texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from konseho_cli.engine.outcome import RunOutcome, StepOutcome
from konseho_cli.models.base import place_of
from konseho_cli.profiling.explaining.asked import Asked

_LEAST = 20
"""Characters of a text that is looked for anywhere; a shorter one must have lines of its own."""
_FEWEST = 8
"""Characters of a text that is looked for between others; below it, it must have lines of its own."""
_HEAD = 60
_DEEPEST = 2


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer comes from."""

    relation: Literal["is", "holds"]
    """It is that output, or it holds those outputs whole."""
    outputs: tuple[str, ...]
    """As a template names them: `pick.winner`."""


class Had(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier output that a prompt held."""

    step: str
    label: str
    whole: bool
    """Else it was shortened."""


def origin(outcome: RunOutcome, every: Sequence[StepOutcome] = ()) -> Origin | None:
    """None: there is no answer, or it is made of none of the outputs as they are.

    `every`: the steps with those inside of them, with what these said, where that is known.
    """
    answer = outcome.answer
    if answer is None:
        return None
    latest = sorted(outcome.steps, key=lambda step: step.end or 0, reverse=True)
    for step in latest:
        for name, value in _named(step.id, step.value, _DEEPEST):
            if type(value) is type(answer) and value == answer:
                return Origin(relation="is", outputs=(name,))
    if not isinstance(answer, str):
        return None
    held = [step.id for step in every or outcome.steps if _is_held(step, answer)]
    # What a step inside of another said, that other says, too.
    held = [one for one in held if not any(other.startswith(f"{one}.") for other in held)]
    return Origin(relation="holds", outputs=tuple(held)) if held else None


def had_before(every: Sequence[StepOutcome], step: StepOutcome, asked: Asked) -> tuple[Had, ...]:
    """The outputs of steps that had ended when this one began, as far as its prompt held them.

    Of `every` step those that it can see: beside it, in iterations before, and around it.
    """
    prompt, place = asked.prompt, place_of(step.id)
    found: dict[tuple[str, str, str], Had] = {}
    for earlier in every:
        ended = earlier.end is not None and step.start is not None and earlier.end <= step.start
        if not ended or not place.startswith(place_of(earlier.id).rpartition(".")[0]):
            continue
        for part in earlier.parts:
            if earlier.id != step.id and _begins_in(prompt, part.text):
                # Of iterations that said the same it is the latest.
                key = (place_of(earlier.id), part.label, part.text)
                found.pop(key, None)
                whole = _holds(prompt, part.text)
                found[key] = Had(step=earlier.id, label=part.label, whole=whole)
    return tuple(found.values())


def _named(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """A value and what it is made of, the outer ones first."""
    yield name, value
    if depth and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named(f"{name}.{key}", inner, depth - 1)


def _is_held(step: StepOutcome, answer: str) -> bool:
    texts = [part.text.strip() for part in step.parts]
    return any(len(text) >= _LEAST and text in answer for text in texts)


def _holds(prompt: str, text: str) -> bool:
    text = text.strip()
    if len(text) < _FEWEST:
        return bool(text) and f"\n{text}\n" in f"\n{prompt}\n"
    if len(text) < _LEAST:  # as words of their own
        return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", prompt) is not None
    return text in prompt


def _begins_in(prompt: str, text: str) -> bool:
    text = text.strip()
    return _holds(prompt, text) or (len(text) > _HEAD and text[:_HEAD] in prompt)
