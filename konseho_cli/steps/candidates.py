"""What a vote is about: candidates, whose they are, and the labels that hide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from string import ascii_uppercase

import msgspec

from konseho_cli.core.errors import StepFailed
from konseho_cli.steps.base import JSON, as_text

MOST = 200
"""Candidates of one vote; schulze's work grows with the cube."""
_DEBATE = frozenset({"positions", "agreed", "rounds"})


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One that can be voted for."""

    key: str
    """How the record names it: its author, or its place in the list, from 1."""
    author: str | None
    """The agent, or whatever key it had in a mapping; None: it came in a list."""
    label: str
    """What voters see: `A`, or the key where the vote is not anonymous."""
    value: JSON
    text: str


def read_candidates(step: str, value: JSON) -> dict[str, tuple[str | None, JSON]]:
    """Key → (author, candidate), from a list or from author → candidate. Raises StepFailed."""
    if isinstance(value, Mapping) and value.keys() - {"account", "groups"} == _DEBATE:
        value = value[
            "positions"
        ]  # `{{ argue }}` for `{{ argue.positions }}`: no doubt what is meant
    found: dict[str, tuple[str | None, JSON]]
    if isinstance(value, Mapping):
        found = {str(key): (str(key), item) for key, item in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = {str(place): (None, item) for place, item in enumerate(value, 1)}
    else:
        raise StepFailed(
            step,
            f"`candidates` is {_kind(value)}, but a list or a mapping of author to candidate "
            "is needed",
            hint='for example "{{ argue.positions }}", or a list in the file',
        )
    if not any(item is not None for _, item in found.values()):
        raise StepFailed(step, "there are no candidates: `candidates` is empty")
    if len(found) > MOST:
        raise StepFailed(step, f"{len(found)} candidates are more than {MOST}")
    return found


def label_candidates(
    found: Mapping[str, tuple[str | None, JSON]], *, anonymous: bool, random: Random
) -> tuple[Candidate, ...]:
    """Give each its label. Letters are dealt at random, so that they tell nothing of the order.

    A letter means the same candidate to every voter: reasons that name it stay readable.
    """
    present = {key: pair for key, pair in found.items() if pair[1] is not None}
    labels = [letters(place) for place in range(len(present))]
    random.shuffle(labels)
    return tuple(
        Candidate(
            key=key,
            author=author,
            label=key if author is not None and not anonymous else label,
            value=value,
            text=as_text(value),
        )
        for label, (key, (author, value)) in zip(labels, present.items(), strict=True)
    )


def letters(place: int) -> str:
    """`A` for 0, `Z` for 25, `AA` for 26."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = ascii_uppercase[rest] + text
    return text


def _kind(value: JSON) -> str:
    return {str: "text", type(None): "null", bool: "true or false"}.get(type(value), "a number")
