"""The bus between who emits and who listens: filtered at the source, batched a loop tick."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from konseho_cli.core.clock import Clock
from konseho_cli.core.units import show_duration
from konseho_cli.telemetry.events import EVERYDAY, EVERYTHING, Event, Warned
from konseho_cli.telemetry.timings import HELD_S, INSIDE

PATIENCE_S = 1.0
"""That a listener may hold the loop with one batch."""
LISTENER = "listener "
"""How the name of a listener's timing begins."""
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


class Bus:
    """Collects the events of one run and hands them on once a loop tick.

    `call_soon` is the loop's; without a running loop (or for the last batch) call `flush`. `most`:
    the kinds that may be built at all, whoever listens. `timer`: seconds of real time.
    """

    __slots__ = (
        "_call_soon", "_listeners", "_most", "_pending", "_timer", "now", "wanted", "warnings",
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
        self._listeners: list[Subscription] = []

    def subscribe(
        self,
        listener: Listener,
        kinds: frozenset[type[Event]] = EVERYDAY,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Add a listener for `kinds`, as far as they are built."""
        kinds &= self._most
        if kinds:
            self._listeners.append(Subscription(listener, kinds, patience_s))
            self.wanted |= kinds

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
        broken: list[tuple[Subscription, str]] = []
        timer = self._timer
        before = timer()
        for subscription in self._listeners:
            listener, kinds, patience_s = subscription
            mine = [event for event in batch if type(event) in kinds]
            began = self.now()
            try:
                if mine:
                    listener(mine)
            except Exception as error:  # noqa: BLE001 - a broken viewer must not break the run
                broken.append((subscription, str(error) or type(error).__name__))
            after = timer()
            if after - before > HELD_S:
                self._note_held(listener, self.now() - began)
            if after - before > patience_s and not (broken and broken[-1][0] is subscription):
                broken.append(
                    (subscription, f"it held the run for {show_duration(after - before)}")
                )
            before = after
        for subscription, why in broken:
            self._detach(subscription, why)

    def _note_held(self, listener: Listener, took: int) -> None:
        timings = INSIDE.get()
        if timings is not None and took > HELD_S * 1e9:  # in virtual time nothing is held up
            timings.of(f"{LISTENER}{_name(listener)}").add(took, False, True)

    def _detach(self, subscription: Subscription, why: str) -> None:
        self._listeners = [each for each in self._listeners if each is not subscription]
        self.wanted = frozenset[type[Event]]().union(*(each.kinds for each in self._listeners))
        message = f"listener {_name(subscription.listener)} was detached: {why}"
        self.warnings.append(message)
        if Warned in self.wanted:
            self.emit(Warned(at=self.now(), message=message))


def _name(listener: Listener) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)
