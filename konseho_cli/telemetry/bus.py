"""The bus between who emits and who listens: filtered at the source, batched a loop tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from konseho_cli.core.clock import Clock
from konseho_cli.telemetry.events import EVERYDAY, Event, Warned


class Listener(Protocol):
    """Gets every batch in order; must return at once. One that raises is detached and named."""

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        ...


class Bus:
    """Collects the events of one run and hands them on once a loop tick.

    `call_soon` is the loop's; without a running loop (or for the last batch) call `flush`.
    """

    __slots__ = ("_call_soon", "_listeners", "_pending", "now", "wanted")

    def __init__(self, clock: Clock, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self.now = clock.now
        self.wanted: frozenset[type[Event]] = frozenset()
        """The kinds somebody listens to; ask before you build an event."""
        self._call_soon = call_soon
        self._pending: list[Event] = []
        self._listeners: list[tuple[Listener, frozenset[type[Event]]]] = []

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
        detached: list[str] = []
        for entry in list(self._listeners):
            listener, kinds = entry
            mine = [event for event in batch if type(event) in kinds]
            try:
                if mine:
                    listener(mine)
            except Exception as error:  # noqa: BLE001 - a broken viewer must not break the run
                self._listeners.remove(entry)
                detached.append(f"listener {_name(listener)} was detached: {error}")
        self.wanted = frozenset().union(*(kinds for _, kinds in self._listeners))
        for message in detached:
            if Warned in self.wanted:
                self.emit(Warned(at=self.now(), message=message))


def _name(listener: Listener) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)
