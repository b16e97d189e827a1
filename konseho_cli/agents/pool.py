"""A pool of instances of agents: each piece of split work leases one, and gives it back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from konseho_cli.core.slots import Slots


class AgentPool:
    """Named instances, handed out oldest-idle first; the queue is that of `Slots`."""

    __slots__ = ("_idle", "slots")

    def __init__(self, instances: Sequence[str]) -> None:
        self._idle = deque(instances)
        self.slots = Slots(len(instances))

    def take(self) -> str:
        """The instance that goes with a slot just acquired."""
        return self._idle.popleft()

    def give_back(self, instance: str, by: int) -> None:
        """Return an instance; `by` is the span that held it."""
        self._idle.append(instance)
        self.slots.release(by)

    def grow(self, instance: str, by: int) -> None:
        """Add an instance, which serves the next waiter at once."""
        self.slots.capacity += 1
        self.give_back(instance, by)

    @property
    def size(self) -> int:
        """How many instances there are."""
        return self.slots.capacity
