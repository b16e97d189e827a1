"""What was said before, as a council is told of it: the newest turns whole, within a bound."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

INPUT = "history"
"""A council that declares an input of this name, of type json, gets the turns as data."""

_WORDING = """\
{said}

That is what is said now, and what is to be answered. What was said before follows, oldest first: it
is there to be understood, not to be answered again.{left}

<conversation>
{turns}
</conversation>"""
"""What is said now comes first: whoever shows a run by the beginning of its task shows that."""
_TURN = "<user>\n{user}\n</user>\n<answer>\n{answer}\n</answer>"
_CUT = "\n[… {count:,} characters are left out …]\n"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One question and what the council answered."""

    user: str
    answer: str

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.user) + len(self.answer)


def newest(turns: Sequence[Turn], room: int) -> tuple[Turn, ...]:
    """The last turns that fit into so many characters, in their order.

    The very last one is there in any case, with its middle left out where it alone is too long.
    """
    kept: list[Turn] = []
    for turn in reversed(turns):
        if turn.size > room:
            break
        room -= turn.size
        kept.append(turn)
    if not kept and turns and room > 0:
        half = room // 2
        kept = [Turn(user=_cut(turns[-1].user, half), answer=_cut(turns[-1].answer, room - half))]
    return tuple(reversed(kept))


def _cut(text: str, room: int) -> str:
    gone = len(text) - room
    if gone <= 0:
        return text
    head = (room + 1) // 2
    return text[:head] + _CUT.format(count=gone) + text[len(text) - (room - head) :]


def task_after(turns: Sequence[Turn], said: str, *, left_out: int = 0) -> str:
    """The task of a council that takes no history: what is said now, then the turns."""
    if not turns:
        return said
    left = f" {left_out:,} earlier turns are left out." if left_out > 1 else ""
    left = " One earlier turn is left out." if left_out == 1 else left
    told = "\n".join(_TURN.format(user=turn.user, answer=turn.answer) for turn in turns)
    return _WORDING.format(left=left, turns=told, said=said)


def as_input(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The value of the input: a list of `{user, answer}`."""
    return [{"user": turn.user, "answer": turn.answer} for turn in turns]
