"""The bus between who emits and who listens: filtered at the source, batched a loop tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from konseho_cli.core.clock import Clock
from konseho_cli.telemetry.events import EVERYDAY, Event, Warned


class Listener(Protocol):
    """Gets every batch in order; must return at once. One that raises is detached and named."""

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        ...


Subscription: TypeAlias = tuple[Listener, frozenset[type[Event]]]
"""A listener and the kinds of events that it wants."""


class Bus:
    """Collects the events of one run and hands them on once a loop tick.

    `call_soon` is the loop's; without a running loop (or for the last batch) call `flush`.
    """

    __slots__ = ("_call_soon", "_listeners", "_pending", "now", "wanted", "warnings")

    def __init__(self, clock: Clock, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self.now = clock.now
        self.wanted: frozenset[type[Event]] = frozenset()
        """The kinds somebody listens to; ask before you build an event."""
        self.warnings: list[str] = []
        """What went wrong with listeners, for the outcome."""
        self._call_soon = call_soon
        self._pending: list[Event] = []
        self._listeners: list[Subscription] = []

    def subscribe(self, listener: Listener, kinds: frozenset[type[Event]] = EVERYDAY) -> None:
        """Add a listener for `kinds`."""
        self._listeners.append((listener, kinds))
        self.wanted |= kinds

    def emit(self, event: Event) -> None:
        """Queue an event; listeners see it at the end of this tick."""
        pending = self._pending
        if not pending:
            self._call_soon(self.flush)
        pending.append(event)

    def flush(self) -> None:
        """Hand over what is queued, now."""
        batch, self._pending = self._pending, []
        if not batch:
            return
        broken: list[tuple[Subscription, Exception]] = []
        for subscription in self._listeners:
            listener, kinds = subscription
            mine = [event for event in batch if type(event) in kinds]
            try:
                if mine:
                    listener(mine)
            except Exception as error:  # noqa: BLE001 - a broken viewer must not break the run
                broken.append((subscription, error))
        for subscription, problem in broken:
            self._detach(subscription, problem)

    def _detach(self, subscription: Subscription, problem: Exception) -> None:
        self._listeners = [each for each in self._listeners if each is not subscription]
        self.wanted = frozenset[type[Event]]().union(*(kinds for _, kinds in self._listeners))
        message = f"listener {_name(subscription[0])} was detached: {problem}"
        self.warnings.append(message)
        if Warned in self.wanted:
            self.emit(Warned(at=self.now(), message=message))


def _name(listener: Listener) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)
