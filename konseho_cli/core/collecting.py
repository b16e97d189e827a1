"""When Python looks for garbage while a run goes on; its collector is one for the whole process.

Runs may overlap, in several threads too: the first that asks for a mode begins it, the last ends it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Literal, TypeAlias

Collection: TypeAlias = Literal["normal", "frozen", "manual"]
"""As always; not among what was there before; or between steps alone."""
LEAST = 10_000
"""Objects made since the last collection: below that, a step's end is not worth another."""


class _Shared:
    """A mode of the process that several runs ask for."""

    def __init__(self, begin: Callable[[], Callable[[], None]]) -> None:
        self._begin = begin
        self._end: Callable[[], None] | None = None
        self._users = 0
        self._lock = Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """In force at least while this lasts."""
        with self._lock:
            if not self._users:
                self._end = self._begin()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._end is not None:
                    self._end()


def _freeze() -> Callable[[], None]:
    if gc.get_freeze_count():  # the caller's: to thaw ours would thaw that too
        return lambda: None
    gc.collect(1)  # the young ones alone: to look at all that is there is what this is to save
    gc.freeze()
    return gc.unfreeze


def _switch_off() -> Callable[[], None]:
    if not gc.isenabled():
        return lambda: None
    gc.disable()
    return gc.enable


_frozen = _Shared(_freeze)
_off = _Shared(_switch_off)


def _nothing() -> None:
    return


def _collect_if_worth_it() -> None:
    if gc.get_count()[0] >= LEAST:
        gc.collect()


@contextmanager
def collecting(how: Collection) -> Iterator[Callable[[], None]]:
    """While a run lasts; hands out what is to be called where a step of it has ended."""
    if how == "frozen":
        with _frozen.held():
            yield _nothing
    elif how == "manual":
        try:
            with _off.held():
                yield _collect_if_worth_it
        finally:
            gc.collect()
    else:
        yield _nothing
