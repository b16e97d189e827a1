"""The bus between who emits and who listens: filtered at the source, batched a loop tick."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from konseho_cli.core.clock import Clock
from konseho_cli.core.units import show_duration
from konseho_cli.telemetry.events import EVERYDAY, EVERYTHING, Event, Warned

PATIENCE_S = 1.0
"""That a listener may hold the loop with one batch."""
MOST_PENDING = 1_000
"""Events of one tick; beyond it they are handed over before it ends."""


class Listener(Protocol):
    """Gets every batch in order; must return at once.

    One that raises, or holds the loop for longer than its patience, is detached and named.
    """

    def __call__(self, batch: Sequence[Event], /) -> None:
        """Take one batch."""
        ...


class Subscription(NamedTuple):
    """A listener and the kinds of events that it wants."""

    listener: Listener
    kinds: frozenset[type[Event]] = EVERYDAY
    patience_s: float = PATIENCE_S
    """That it may hold the loop with one batch, in seconds of real time."""


class ListenerTime(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener took of a run, in seconds of real time."""

    name: str
    batches: int
    events: int
    seconds: float
    """Of all its batches; the run did nothing else meanwhile."""
    worst_s: float
    """Of one batch."""


class _Listening(msgspec.Struct, eq=False):
    """A listener while it listens: what it was handed, and how long it took."""

    subscription: Subscription
    batches: int = 0
    events: int = 0
    seconds: float = 0.0
    worst_s: float = 0.0

    def took(self, events: int, seconds: float) -> None:
        """One batch more."""
        self.batches += 1
        self.events += events
        self.seconds += seconds
        self.worst_s = max(self.worst_s, seconds)

    def so_far(self) -> ListenerTime:
        """The record of it."""
        return ListenerTime(
            name=_name(self.subscription.listener), batches=self.batches, events=self.events,
            seconds=self.seconds, worst_s=self.worst_s,
        )  # fmt: skip


class Bus:
    """Collects the events of one run and hands them on once a loop tick.

    `call_soon` is the loop's; without a running loop (or for the last batch) call `flush`. `most`:
    the kinds that may be built at all, whoever listens. `timer`: seconds of real time.
    """

    __slots__ = (
        "_all", "_call_soon", "_listeners", "_most", "_pending", "_timer", "now", "wanted",
        "warnings",
    )  # fmt: skip

    def __init__(
        self,
        clock: Clock,
        call_soon: Callable[[Callable[[], None]], object],
        most: frozenset[type[Event]] = EVERYTHING,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.now = clock.now
        self.wanted: frozenset[type[Event]] = frozenset()
        """The kinds somebody listens to; ask before you build an event."""
        self.warnings: list[str] = []
        """What went wrong with listeners, for the outcome."""
        self._call_soon = call_soon
        self._most = most
        self._timer = timer
        self._pending: list[Event] = []
        self._listeners: list[_Listening] = []
        self._all: list[_Listening] = []

    def subscribe(
        self,
        listener: Listener,
        kinds: frozenset[type[Event]] = EVERYDAY,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Add a listener for `kinds`, as far as they are built."""
        kinds &= self._most
        if kinds:
            listening = _Listening(Subscription(listener, kinds, patience_s))
            self._listeners.append(listening)
            self._all.append(listening)
            self.wanted |= kinds

    @property
    def listeners(self) -> tuple[ListenerTime, ...]:
        """What each has taken so far, those that were detached included."""
        return tuple(listening.so_far() for listening in self._all)

    def emit(self, event: Event) -> None:
        """Queue an event; listeners see it at the end of this tick."""
        pending = self._pending
        if not pending:
            self._call_soon(self.flush)
        pending.append(event)
        if len(pending) >= MOST_PENDING:
            self.flush()

    def flush(self) -> None:
        """Hand over what is queued, now."""
        batch, self._pending = self._pending, []
        if not batch:
            return
        broken: list[tuple[_Listening, str]] = []
        timer = self._timer
        before = timer()
        for listening in self._listeners:
            listener, kinds, patience_s = listening.subscription
            mine = [event for event in batch if type(event) in kinds]
            try:
                if mine:
                    listener(mine)
            except Exception as error:  # noqa: BLE001 - a broken viewer must not break the run
                broken.append((listening, str(error) or type(error).__name__))
            after = timer()
            if mine:
                listening.took(len(mine), after - before)
            if after - before > patience_s and not (broken and broken[-1][0] is listening):
                broken.append((listening, f"it held the run for {show_duration(after - before)}"))
            before = after
        for listening, why in broken:
            self._detach(listening, why)

    def _detach(self, listening: _Listening, why: str) -> None:
        self._listeners = [each for each in self._listeners if each is not listening]
        kinds = (each.subscription.kinds for each in self._listeners)
        self.wanted = frozenset[type[Event]]().union(*kinds)
        message = f"listener {_name(listening.subscription.listener)} was detached: {why}"
        self.warnings.append(message)
        if Warned in self.wanted:
            self.emit(Warned(at=self.now(), message=message))


def _name(listener: Listener) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)
