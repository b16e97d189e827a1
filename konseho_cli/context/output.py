"""A step's output among the entries: its long texts each for itself, the rest with holes for them.

What is said twice (a part, and again inside the value) is kept once. Texts in the same place of a
list's items, such as an agent's positions round by round, are versions of one entry, so that each
is kept as its difference against the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from konseho_cli.context.entries import Entries, Key
from konseho_cli.context.version import ABSENT

LONG = 1024
"""Characters from which a text is an entry of its own."""

Read: TypeAlias = Callable[[Key, int], Any]
"""`Entries.get`, or `Entries.peek`, which may give ABSENT."""
Field: TypeAlias = Literal["value", "details"]


class Place(NamedTuple):
    """A version of an entry."""

    key: Key
    version: int


class Output:
    """What one step gave back, held by the entries. It keeps them alive."""

    __slots__ = ("_entries", "_parts", "_places", "keys", "step")

    def __init__(
        self,
        entries: Entries,
        step: str,
        value: Any,
        parts: Sequence[tuple[str, str | Place]],
        details: Mapping[str, Any],
    ) -> None:
        """`parts`: label and text, or where the text is already."""
        self.step = step
        self._entries = entries
        kept = _Keeper(entries, step)
        self._parts = [(label, kept.part(label, text)) for label, text in parts]
        self._places = {
            "value": kept.structure("value", value),
            "details": kept.structure("details", dict(details)),
        }
        self.keys = frozenset(kept.keys)
        """Of all entries that it is made of."""

    def get(self, field: Field) -> Any:
        """Its value or its details, read from the file if need be. Raises StoreFailed."""
        return self._whole(field, self._entries.get)

    def peek(self, field: Field) -> Any:
        """The same if all of it is in memory, else ABSENT."""
        return self._whole(field, self._entries.peek)

    def get_parts(self) -> list[tuple[str, str]]:
        """Its parts, label and text. Raises StoreFailed."""
        return [(label, _text(place, self._entries.get)) for label, place in self._parts]

    def peek_parts(self) -> list[tuple[str, str]] | None:
        """The same if all of it is in memory, else None."""
        parts = [(label, _text(place, self._entries.peek)) for label, place in self._parts]
        return None if any(text is ABSENT for _, text in parts) else parts

    def _whole(self, field: Field, read: Read) -> Any:
        structure = read(*self._places[field])
        if structure is ABSENT:
            return ABSENT
        texts = [(path, read(tuple(key), version)) for path, key, version in structure["holes"]]
        if any(text is ABSENT for _, text in texts):
            return ABSENT
        return filled(structure["rest"], texts)


def _text(place: str | Place, read: Read) -> Any:
    return read(*place) if isinstance(place, Place) else place


class _Keeper:
    """Puts one output's texts and structures where they belong."""

    def __init__(self, entries: Entries, step: str) -> None:
        self._entries = entries
        self._step = step
        self._known: dict[str, Place] = {}
        self.keys: set[Key] = set()

    def part(self, label: str, text: str | Place) -> str | Place:
        if isinstance(text, Place):
            self.keys.add(text.key)
            return text
        if len(text) < LONG:
            return text
        return self._keep(text, "part", label)

    def structure(self, field: Field, value: Any) -> Place:
        holes: list[tuple[list[str | int], Key, int]] = []
        rest = self._apart(value, [], holes, field)
        structure = {"rest": rest, "holes": holes}
        key = (self._step, field)
        self.keys.add(key)
        return Place(key, self._entries.put(key, structure))

    def _apart(self, value: Any, path: list[str | int], holes: list[Any], field: Field) -> Any:
        if isinstance(value, dict):
            return {
                name: self._apart(each, [*path, name], holes, field) for name, each in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [
                self._apart(each, [*path, index], holes, field) for index, each in enumerate(value)
            ]
        if not isinstance(value, str) or len(value) < LONG:
            return value
        place = self._known.get(value)
        if place is None:
            place = self._keep(value, field, *(str(each) for each in path if type(each) is str))
        holes.append((path, *place))
        return None

    def _keep(self, text: str, *where: str) -> Place:
        key = (self._step, "text", *where)
        self.keys.add(key)
        place = self._known[text] = Place(key, self._entries.put(key, text))
        return place


def filled(rest: Any, texts: Sequence[tuple[Sequence[str | int], str]]) -> Any:
    """A structure with its texts in their places again; `rest` itself is not changed."""
    copies: dict[tuple[str | int, ...], Any] = {}
    for path, text in texts:
        if not path:
            return text
        place = copies[()] = copies[()] if copies else rest.copy()
        for depth, key in enumerate(path[:-1], 1):
            above = tuple(path[:depth])
            if above not in copies:
                place[key] = copies[above] = place[key].copy()
            place = copies[above]
        place[path[-1]] = text
    return copies[()] if copies else rest
