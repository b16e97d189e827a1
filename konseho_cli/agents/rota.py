"""Who of a pool of alike agents is asked next: in turn, or whoever has least to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias

Pick: TypeAlias = Literal["round_robin", "load"]


def choose(
    pool: Sequence[str],
    by: Pick,
    *,
    turn: int,
    under_way: Mapping[str, int],
    without: Collection[str] = (),
) -> int:
    """The place in the pool of who is asked. Pure; raises ValueError where nobody is left.

    `turn`: the place that is next in turn; `under_way`: questions that each has not answered yet.
    Of several with as few, the first of the pool is taken.
    """
    able = [place for place, agent in enumerate(pool) if agent not in without]
    if not able:
        raise ValueError("nobody is left in the pool")
    if by == "load":
        return min(able, key=lambda place: under_way.get(pool[place], 0))
    return min(able, key=lambda place: (place - turn) % len(pool))


class Rota:
    """What one run knows of its pools: whose turn it is, and who is busy.

    A pool is its list: whoever names the same agents in the same order shares the turns.
    """

    __slots__ = ("_turns", "under_way")

    def __init__(self) -> None:
        self._turns: dict[tuple[str, ...], int] = {}
        self.under_way: Counter[str] = Counter()
        """Questions that each agent of the run has not answered yet."""

    def pick(
        self,
        pool: tuple[str, ...],
        by: Pick,
        *,
        without: Collection[str] = (),
        known: Collection[str] = (),
    ) -> str:
        """Whom to ask; then it is the next one's turn. Raises ValueError where nobody is left.

        `known`: who was picked at this place of the run before, which stays so.
        """
        before = next((one for one in known if one in pool and one not in without), None)
        if before is not None:
            place = pool.index(before)
        else:
            turn = self._turns.get(pool, 0)
            place = choose(pool, by, turn=turn, under_way=self.under_way, without=without)
        self._turns[pool] = place + 1
        return pool[place]
