"""What agents said in the steps that still run: all that is left of a step that does not end.

As long as it is little, it is a list. Once it is much, it is entries: what one agent said in turn
are versions, and all but the last are kept as what changed from one to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from konseho_cli.context.settings import EARLIER_FROM

if TYPE_CHECKING:
    # Only a run that has much to hold loads them.
    from konseho_cli.context.entries import Entries, Key
    from konseho_cli.context.output import Place

Words: TypeAlias = "list[tuple[str, str | Place]]"
"""Labels, and texts or where they are."""


class Said:
    """Answers by step, in the order in which they came."""

    __slots__ = ("_entries", "_length", "_words")

    def __init__(self) -> None:
        self._words: dict[str, Words] = {}
        self._length = 0
        """Characters that are in no entry."""
        self._entries: Entries | None = None

    def keep(self, step: str, agent: str, label: str, text: str) -> bool:
        """Note an answer; whether there is so much now that it should be `moved`."""
        if self._entries is not None:
            place = _put(self._entries, (step, "said", agent), text)
            self._words.setdefault(step, []).append((label, place))
            return False
        self._words.setdefault(step, []).append((label, text))
        self._length += len(text)
        return self._length > EARLIER_FROM

    def move(self, entries: Entries) -> None:
        """From now on, keep what is said as entries."""
        self._entries = entries
        for step, words in self._words.items():
            for index, (label, text) in enumerate(words):
                key = (step, "said", label.partition(" ")[0])
                if isinstance(text, str):
                    words[index] = label, _put(entries, key, text)

    def take(self, step: str) -> Words:
        """What was said in a step that is over; it is forgotten here, but not by the entries."""
        words = self._words.pop(step, [])
        self._length -= sum(len(text) for _, text in words if isinstance(text, str))
        return words

    def forget(self, words: Words) -> None:
        """Let the entries forget what was said in a step that came to its end."""
        if self._entries is not None:
            for key in {place.key for _, place in words if not isinstance(place, str)}:
                self._entries.drop(key)


def _put(entries: Entries, key: Key, text: str) -> Place:
    from konseho_cli.context.output import Place

    return Place(key, entries.put(key, text))
