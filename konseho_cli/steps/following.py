"""Which pieces of split work come after which: by the names that a template gives for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from konseho_cli.core.errors import StepFailed
from konseho_cli.core.graph import find_cycle
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.steps.base import JSON, StepContext, Template, as_text
from konseho_cli.steps.pieces import Piece

Needs: TypeAlias = Mapping[int, Mapping[int, str]]
"""By the number of a piece, from 1: those that it comes after, each with the name it is called by."""

_SHOWN = 3
"""Names in one reason."""
_HINT = "see `after`, and what made the list"


def needs_of(ctx: StepContext, pieces: Sequence[Piece], after: Template) -> tuple[Needs, str]:
    """Which pieces come after which, for those that do; and what is to be said of it.

    A name that no piece has holds nothing up: a plan may name what is there already. Raises
    StepFailed for a circle, and for a name that several pieces have.
    """
    called = _called(pieces)
    unknown: dict[str, None] = {}
    found: dict[int, dict[int, str]] = {}
    for number, piece in enumerate(pieces, 1):
        value = ctx.evaluate(after, item=piece.item, index=number, total=len(pieces))
        needs: dict[int, str] = {}
        for name in _names(ctx, piece, value):
            known = called.get(name.casefold(), {})
            if len(known) > 1:
                what = f"{len(known)} pieces are called '{name:.60}', and one comes after it"
                raise StepFailed(ctx.step, what, hint=_HINT)
            if not known:
                unknown[name] = None
            needs.update(known)
        if needs:
            found[number] = needs
    _check_circles(ctx, pieces, found)
    return found, _unknown(list(unknown), [piece.name for piece in pieces])


def _called(pieces: Sequence[Piece]) -> dict[str, dict[int, str]]:
    """By each name in lower case: the numbers of those that have it, with the name as they have it."""
    found: dict[str, dict[int, str]] = {}
    for number, piece in enumerate(pieces, 1):
        found.setdefault(piece.name.casefold(), {})[number] = piece.name
    others: dict[str, dict[int, str]] = {}
    for number, piece in enumerate(pieces, 1):
        for name in piece.also:
            others.setdefault(name.casefold(), {})[number] = name
    return others | found


def _names(ctx: StepContext, piece: Piece, value: JSON) -> list[str]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        what = f"`after` of '{piece.label}' is {as_text(value):.60}, not a list of names"
        raise StepFailed(ctx.step, what, hint=_HINT)
    several = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
    return [name for one in several if one is not None and (name := as_text(one).strip())]


def _unknown(names: Sequence[str], known: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(f"'{name:.60}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    near = did_you_mean(names[0], known) if len(names) == 1 else None
    asked = f" ({near})" if near else ""
    return f"none is called {shown}{more}{asked}"


def _check_circles(ctx: StepContext, pieces: Sequence[Piece], needs: Needs) -> None:
    circle = find_cycle({str(number): map(str, others) for number, others in needs.items()})
    if circle is not None:
        chain = " → ".join(pieces[int(number) - 1].label for number in circle)
        raise StepFailed(ctx.step, f"pieces wait for each other: {chain}", hint=_HINT)
