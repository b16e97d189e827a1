"""Which pieces of split work come after which: by the names that a template gives for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from konseho_cli.core.errors import StepFailed
from konseho_cli.core.graph import find_cycle
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.steps.base import JSON, StepContext, Template, as_text
from konseho_cli.steps.pieces import Piece

_SHOWN = 3
"""Names in one reason."""
_HINT = "see `after`, and what made the list"


def needs_of(
    ctx: StepContext, pieces: Sequence[Piece], after: Template
) -> tuple[dict[int, tuple[int, ...]], str]:
    """The numbers of the pieces, from 1, that others come after; and what is to be said of it.

    A name that no piece has holds nothing up: a plan may name what is there already. Raises
    StepFailed for a circle, and for a name that several pieces have.
    """
    numbers: dict[str, list[int]] = {}
    for number, piece in enumerate(pieces, 1):
        numbers.setdefault(piece.name.casefold(), []).append(number)
    unknown: dict[str, None] = {}
    found: dict[int, tuple[int, ...]] = {}
    for number, piece in enumerate(pieces, 1):
        value = ctx.evaluate(after, item=piece.item, index=number, total=len(pieces))
        needs: dict[int, None] = {}
        for name in _names(ctx, piece, value):
            known = numbers.get(name.casefold(), [])
            if len(known) > 1:
                what = f"{len(known)} pieces are called '{name:.60}', and one comes after it"
                raise StepFailed(ctx.step, what, hint=_HINT)
            if not known:
                unknown[name] = None
            needs.update(dict.fromkeys(known))
        if needs:
            found[number] = tuple(needs)
    _check_circles(ctx, pieces, found)
    return found, _unknown(list(unknown), [piece.name for piece in pieces])


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


def _check_circles(
    ctx: StepContext, pieces: Sequence[Piece], needs: Mapping[int, Sequence[int]]
) -> None:
    circle = find_cycle({str(number): map(str, others) for number, others in needs.items()})
    if circle is not None:
        chain = " → ".join(pieces[int(number) - 1].label for number in circle)
        raise StepFailed(ctx.step, f"pieces wait for each other: {chain}", hint=_HINT)
