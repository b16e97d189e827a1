"""Ids of steps: given, or the kind and a number; never two alike, never a template's own word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from konseho_cli.context.templates import BUILTINS
from konseho_cli.spec.draft import Draft
from konseho_cli.steps.union import Step

_WORDS = frozenset({
    "and", "else", "false", "if", "in", "is", "none", "not", "or", "recursive", "self", "super",
    "true",
})  # fmt: skip


def taken_names() -> frozenset[str]:
    """Names that mean something else inside a template."""
    given = frozenset[str]().union(*(kind.names for kind in get_args(Step)))
    return BUILTINS | _WORDS | given | {"task", "inputs", "item", "agent"}


_TAKEN = taken_names()


def name_steps(draft: Draft) -> None:
    """Give every step its id."""
    first: dict[str, int] = {}
    for index, step in enumerate(draft.spec.steps):
        if not step.id:
            continue
        place = ("steps", index, "id")
        if step.id in first:
            hint = f"it is the id of steps[{first[step.id]}]"
            draft.problems.error(place, f"duplicate step id '{step.id}'", hint=hint)
        elif step.id in _TAKEN:
            what = f"'{step.id}' has a meaning of its own in templates"
            draft.problems.error(place, what, hint="choose another id")
        first.setdefault(step.id, index)
    numbers = {step.kind: _numbered(step.kind, first) for step in draft.spec.steps if not step.id}
    draft.steps = [
        step if step.id else msgspec.structs.replace(step, id=next(numbers[step.kind]))
        for step in draft.spec.steps
    ]


def _numbered(kind: str, taken: dict[str, int]) -> Iterator[str]:
    number = 1
    while True:
        name = kind if number == 1 else f"{kind}{number}"
        if name not in taken:
            yield name
        number += 1


def check_ids(draft: Draft) -> None:
    """Ids do not end in a line break, which the pattern of an id lets through."""
    for table in ("agents", "models", "inputs"):
        for name in getattr(draft.spec, table):
            if name[-1] == "\n":
                draft.problems.error((table, name), "an id has no line break", key=True)
    for index, step in enumerate(draft.spec.steps):
        if step.id[-1:] == "\n":
            draft.problems.error(("steps", index, "id"), "an id has no line break")
