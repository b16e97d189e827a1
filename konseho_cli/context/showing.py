"""Which earlier outputs a prompt shows where a step's window bounds them: the rules, in characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from konseho_cli.context.window import FEWEST, fit, shorten

SUMMARY = "summary"
"""The item of a call that sums up, by which its identity differs from the step's own calls."""
SUMMARY_PART = 4
"""One part in so many of the room is for the summary."""
SUMMARY_CHARS = 4_000
"""Room of a summary where nothing but the number of outputs is bounded."""
_A_WORD = 6
"""Characters, with the space behind it."""
_MOST_NAMES = 3


class Said(NamedTuple):
    """An earlier output."""

    step: str
    title: str
    text: str


class Shown(NamedTuple):
    """What of the earlier outputs is shown."""

    left_out: tuple[Said, ...]
    """Not shown at all, oldest first."""
    kept: tuple[Said, ...]
    """Oldest first, with texts as they are shown."""
    shortened: int
    """How many of these are shorter than they were."""


def shown(
    outputs: Sequence[Said], messages: int | None, chars: int | None, *, summed_up: bool
) -> Shown:
    """The newest `messages` outputs, in at most `chars` characters where that can be.

    `summed_up`: what does not fit is left out as a whole, for a summary that gets its own room;
    else the oldest outputs are shortened first, and left out where a line of each is too much.
    """
    first = 0 if messages is None else max(0, len(outputs) - messages)
    newest = outputs[first:]
    if chars is None or (not first and characters(newest) <= chars):
        return Shown(tuple(outputs[:first]), tuple(newest), 0)
    if not summed_up:
        return _shortened(outputs[:first], newest, chars)
    room = chars - chars // SUMMARY_PART
    sums = accumulate(len(output.text) for output in reversed(newest))
    many = max(1, sum(total <= room for total in sums))
    first = len(outputs) - many
    return _shortened(outputs[:first], outputs[first:], room)


def _shortened(left_out: Sequence[Said], newest: Sequence[Said], chars: int) -> Shown:
    """Each keeps a line at least, so of too many the oldest are left out."""
    many = max(1, chars // FEWEST)
    if len(newest) > many:
        left_out, newest = [*left_out, *newest[:-many]], newest[-many:]
    steps = [list(each) for _, each in groupby(newest, key=lambda output: output.step)]
    fitted = fit([[output.text for output in step] for step in steps], chars)
    texts = [text if many > 1 else shorten(text, chars) for step in fitted for text in step]
    kept = [output._replace(text=text) for output, text in zip(newest, texts, strict=True)]
    shortened = sum(one.text != other.text for one, other in zip(newest, kept, strict=True))
    return Shown(tuple(left_out), tuple(kept), shortened)


def said_of(left_out: Sequence[Said]) -> str:
    """`3 earlier outputs are left out here, 12,345 characters: talk / ann, talk / bob, …`."""
    many = len(left_out)
    names = [output.title for output in left_out[:_MOST_NAMES]]
    more = f" and {many - _MOST_NAMES} more" if many > _MOST_NAMES else ""
    what = "1 earlier output is" if many == 1 else f"{many} earlier outputs are"
    count = f"{characters(left_out):,} characters"
    return f"[… {what} left out here, {count}: {', '.join(names)}{more} …]"


def summary_room(chars: int | None) -> int:
    """Characters of a summary."""
    return SUMMARY_CHARS if chars is None else max(1, chars // SUMMARY_PART)


def words_for(chars: int) -> int:
    """How many words fit into so many characters: what the one who sums up is told."""
    return max(20, chars // _A_WORD)


def within(summary: str, chars: int) -> str:
    """A summary in the room that it has."""
    return shorten(summary.strip(), chars)


def characters(outputs: Sequence[Said]) -> int:
    """Of all their texts together."""
    return sum(len(output.text) for output in outputs)
