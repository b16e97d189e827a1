"""What of a prompt is left where a model takes in less of it: the rules, in characters.

What stays is chosen so that a reader notices, and misses least: the task and the inputs are whole,
the newest outputs keep most, and whatever was left out is said where it was, with its length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from konseho_cli.context.clusters import cut_after, cut_before

KEPT = 400
"""Characters that every earlier output keeps at first, before one of them has to keep less."""
FEWEST = 120
"""The least that it keeps at last: the line that says what is missing, and a word around it."""
_LEAST_PART = 200
"""A prompt whose parts would keep less than this is shortened in the middle, as a whole."""

_PART = re.compile(r"^(?=#{1,2} |<[a-z]+[ >])", re.MULTILINE)
"""Where a part of a prompt begins: at a heading, or at the tag around somebody's text."""


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters: the beginning and the end, and a line on what is between them."""
    if len(text) <= limit:
        return text
    room = limit - len(_left_out(len(text)))
    if room < 0:
        return "…"[: max(0, limit)]
    head = cut_before(text, room - room // 2)
    tail = cut_after(text, len(text) - room // 2)
    return text[:head] + _left_out(tail - head) + text[tail:]


def _left_out(count: int) -> str:
    return f"\n[… {count:,} characters left out …]\n"


def fit(steps: Sequence[Sequence[str]], limit: int) -> list[list[str]]:
    """The outputs of earlier steps, oldest first, in at most `limit` characters where that can be.

    The oldest step is shortened first, and the next one only where that is not enough. Outputs of
    one step keep as much as each other: nobody's word counts for less because of its place.
    """
    fitted = [list(outputs) for outputs in steps]
    excess = sum(map(_size, fitted)) - limit
    for least in (KEPT, FEWEST):
        for number, outputs in enumerate(fitted):
            if excess <= 0:
                return fitted
            lengths = [len(text) for text in outputs]
            most = max(least, _level(lengths, max(0, sum(lengths) - excess)))
            fitted[number] = [shorten(text, most) for text in steps[number]]
            excess -= sum(lengths) - _size(fitted[number])
    return fitted


def _size(texts: Sequence[str]) -> int:
    return sum(map(len, texts))


def shorten_prompt(prompt: str, limit: int) -> str:
    """A whole prompt in at most `limit` characters: its longest parts keep as much as each other."""
    if len(prompt) <= limit:
        return prompt
    parts = _PART.split(prompt)
    most = _level([len(part) for part in parts], limit)
    if most < _LEAST_PART:
        return shorten(prompt, limit)
    return "".join(shorten(part, most) for part in parts)


def _level(lengths: Sequence[int], limit: int) -> int:
    """How much each may keep so that all together keep no more than `limit`."""
    left, above = limit, len(lengths)
    for length in sorted(lengths):
        if length * above > left:
            return left // above
        left -= length
        above -= 1
    return limit
