"""How alike two positions are, and how much of one is new in the next. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Any

from konseho_cli.steps.base import as_text

_MOST_WORDS = 1000
"""Above, sentences are compared: to match words in order takes their number squared."""
_WORD = re.compile(r"\w+|[^\w\s]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def change(before: Any, after: Any) -> float:
    """The share of the words that are not the same in the same order: 0 kept, 1 all new.

    Above a thousand words it is the share of the sentences. White space does not count.
    """
    old, new = as_text(before), as_text(after)
    first, second = _WORD.findall(old), _WORD.findall(new)
    if first == second:
        return 0.0
    if max(len(first), len(second)) > _MOST_WORDS:
        first, second = _sentences(old), _sentences(new)
    import difflib  # not free to import

    return 1 - difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


def alike(one: Any, other: Any) -> float:
    """The share of their pairs of neighbouring words that two positions have in common: 0 to 1.

    Single words would find half of any two texts alike: everybody says `the`.
    """
    first, second = _pairs(one), _pairs(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def all_alike(positions: Mapping[str, Any]) -> float | None:
    """The same on average over all pairs; None: there are not two."""
    pairs = list(combinations(positions.values(), 2))
    return sum(alike(*pair) for pair in pairs) / len(pairs) if pairs else None


def changed_keys(before: Any, after: Any) -> tuple[str, ...]:
    """Of two objects, the keys whose values differ, in the order of the later one."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return ()
    keys = dict.fromkeys((*after, *before))
    missing = object()
    return tuple(key for key in keys if before.get(key, missing) != after.get(key, missing))


def _sentences(text: str) -> list[str]:
    return [" ".join(part.split()) for part in _SENTENCE.split(text) if part.strip()]


def _pairs(value: Any) -> Counter[tuple[str, str]]:
    """Beginning and end count as words, so that a single word has pairs too."""
    words = ["", *re.findall(r"\w+", as_text(value).lower()), ""]
    return Counter(pairwise(words))
