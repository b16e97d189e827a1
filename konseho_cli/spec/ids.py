"""Ids of steps: given, or the kind and a number; never two alike, never a template's own word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from konseho_cli.context.templates import BUILTINS
from konseho_cli.core import marks
from konseho_cli.core.marks import path_text
from konseho_cli.spec.draft import Draft, placed, with_held
from konseho_cli.steps.union import Step

_WORDS = frozenset({
    "and", "else", "false", "if", "in", "is", "none", "not", "or", "recursive", "self", "super",
    "true",
})  # fmt: skip


def taken_names() -> frozenset[str]:
    """Names that mean something else inside a template."""
    given = frozenset[str]().union(*(kind.names | kind.block_names for kind in get_args(Step)))
    return BUILTINS | _WORDS | given | {"task", "inputs", "item", "agent"}


_TAKEN = taken_names()


def name_steps(draft: Draft) -> None:
    """Give every step its id."""
    draft.steps = _named(draft, draft.spec.steps, ("steps",), {})


def _named(
    draft: Draft, steps: Sequence[Step], around: marks.Path, outer: Mapping[str, marks.Path]
) -> list[Step]:
    """The steps of one block; none may have the id of one that it can read."""
    first = dict(outer)
    for index, step in enumerate(steps):
        if not step.id:
            continue
        place = (*around, index)
        if step.id in first:
            hint = f"it is the id of {path_text(first[step.id])}"
            draft.problems.error((*place, "id"), f"duplicate step id '{step.id}'", hint=hint)
        elif step.id in _TAKEN:
            what = f"'{step.id}' has a meaning of its own in templates"
            draft.problems.error((*place, "id"), what, hint="choose another id")
        first.setdefault(step.id, place)
    numbers = {step.kind: _numbered(step.kind, first) for step in steps if not step.id}
    named: list[Step] = []
    for index, step in enumerate(steps):
        if not step.id:
            step = msgspec.structs.replace(step, id=next(numbers[step.kind]))
            first[step.id] = (*around, index)
        named.append(step)
    return [
        with_held(step, (*around, index), lambda held, place: _named(draft, held, place, first))
        for index, step in enumerate(named)
    ]


def _numbered(kind: str, taken: Mapping[str, marks.Path]) -> Iterator[str]:
    number = 1
    while True:
        name = kind if number == 1 else f"{kind}{number}"
        if name not in taken and name not in _TAKEN:
            yield name
        number += 1


def check_ids(draft: Draft) -> None:
    """Ids do not end in a line break, which the pattern of an id lets through."""
    for table in ("agents", "models", "inputs"):
        for name in getattr(draft.spec, table):
            if name[-1] == "\n":
                draft.problems.error((table, name), "an id has no line break", key=True)
    for place, step in placed(draft.spec.steps, ("steps",)):
        if step.id[-1:] == "\n":
            draft.problems.error((*place, "id"), "an id has no line break")
