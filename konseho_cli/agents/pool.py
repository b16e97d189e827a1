"""A pool of instances of agents: each piece of split work leases one, and gives it back."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from konseho_cli.core.slots import Slots


class AgentPool:
    """Instances with names like `ann#2`, handed out oldest-idle first; the queue is that of `Slots`.

    With `spare` instances the pool grows: by one whenever one is given back and, after that, some
    waiter is still left without.
    """

    __slots__ = ("_idle", "_instances", "_spare", "slots")

    def __init__(self, instances: Sequence[str], *, spare: Sequence[str] = ()) -> None:
        self._instances = (*instances, *spare)
        self._idle = deque(instances)
        self._spare = deque(spare)
        self.slots = Slots(len(instances))

    def take(self) -> str:
        """The instance that goes with a slot just acquired."""
        return self._idle.popleft()

    def standing_for(self, instance: str, agents: Collection[str]) -> str:
        """An instance of one of the agents: this one, if it is, or if there is none of them."""
        alike = (one for one in (instance, *self._instances) if agent_of(one) in agents)
        return next(alike, instance)

    def give_back(self, instance: str, by: int) -> None:
        """Return an instance; `by` is the span that held it."""
        self._idle.append(instance)
        self.slots.release(by)
        if self._spare and self.slots.waiting:
            self._idle.append(self._spare.popleft())
            self.slots.resize(self.slots.capacity + 1, by)

    @property
    def size(self) -> int:
        """How many instances there are."""
        return self.slots.capacity


def agent_of(instance: str) -> str:
    """The id of the agent that it is an instance of."""
    return instance.rpartition("#")[0]
