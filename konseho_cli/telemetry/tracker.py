"""A tracker of a user's own code: how often each piece of it ran, and how long it took."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from threading import get_ident
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar, cast, overload

from konseho_cli.core.units import show_duration
from konseho_cli.telemetry.timings import INSIDE, Series, Timing, Timings

F = TypeVar("F", bound=Callable[..., Any])
_MAY_WAIT = (
    inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)  # fmt: skip
_ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)


class Tracker:
    """Times your own code by name: `@tracker.track`, or `with tracker.track("parse"):`.

    From any thread, one within another; a microsecond or two each. What runs inside of a run is in
    the outcome's `timings` as well, and is timed by the run's clock: in virtual time, what computes
    takes none.
    """

    def __init__(self, now: Callable[[], int] = time.perf_counter_ns) -> None:
        """`now`: nanoseconds."""
        self._timings = Timings(now)

    @overload
    def track(self, what: str) -> Tracked: ...

    @overload
    def track(self, what: F) -> F: ...

    def track(self, what: str | Callable[..., Any]) -> Any:
        """A context manager or a decorator under this name, or the decorated function.

        Async functions too; of generators each piece counts, and only the time within them.
        """
        if isinstance(what, str):
            return Tracked(what, self._timings.of(what), self._timings.now)
        return self.track(what.__qualname__.rpartition("<locals>.")[2])(what)

    def timings(self) -> tuple[Timing, ...]:
        """What was counted since the last reset, the largest total first."""
        return self._timings.all()

    def reset(self) -> None:
        """Begin anew."""
        self._timings.reset()

    def __str__(self) -> str:
        return timings_table(self.timings())


class Tracked:
    """One use of a name: for one `with`, or to decorate any number of functions."""

    __slots__ = ("_frame", "_name", "_now", "_run", "_series", "_start", "_waits")

    def __init__(
        self, name: str, series: Series, now: Callable[[], int], waits: bool | None = None
    ) -> None:
        """`waits`: whether it may give way to the loop; None: that is seen where it stands."""
        self._name = name
        self._series = series
        self._now = now
        self._waits = waits
        self._frame: FrameType | None = None

    def __enter__(self) -> Self:
        run = self._run = INSIDE.get()
        if run is not None:
            self._now = run.now
            if self._waits is None:
                self._frame = sys._getframe(1)
        self._start = self._now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        took = self._now() - self._start
        failed = kind is not None and issubclass(kind, Exception)
        held, run = False, self._run
        if run is not None:
            waits = self._may_wait(sys._getframe(1)) if self._waits is None else self._waits
            held = not waits and get_ident() == run.thread
            run.of(self._name).add(took, failed, held)
        self._series.add(took, failed, held)

    def _may_wait(self, left: FrameType) -> bool:
        """Whether the loop may have gone on meanwhile; `left`: the frame that leaves the block."""
        entered, self._frame = self._frame, None
        # A frame that only called __enter__, as ExitStack does, tells nothing of the block.
        return entered is not left or bool(left.f_code.co_flags & _MAY_WAIT)

    def __call__(self, function: F) -> F:
        """Decorate a function of any kind."""
        given = self._name, self._series, self._now
        wrapped: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            async def wrapped(*args: Any, **keywords: Any) -> Any:
                with Tracked(*given, True):
                    return await function(*args, **keywords)

        elif inspect.isgeneratorfunction(function):

            def wrapped(*args: Any, **keywords: Any) -> Any:
                return _Pieces(function(*args, **keywords), partial(_Piece, *given, False))

        elif inspect.isasyncgenfunction(function):

            def wrapped(*args: Any, **keywords: Any) -> Any:
                return _AsyncPieces(function(*args, **keywords), partial(_Piece, *given, True))

        else:

            def wrapped(*args: Any, **keywords: Any) -> Any:
                with Tracked(*given, False):
                    return function(*args, **keywords)

        return cast(F, wraps(function)(wrapped))


class _Piece(Tracked):
    """One piece of a generator: that there is none any more is none."""

    __slots__ = ()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or not issubclass(kind, _ENDS):
            super().__exit__(kind, error, trace)


class _Pieces(Generator[Any, Any, Any]):
    """A generator, timed piece by piece."""

    def __init__(self, inner: Generator[Any, Any, Any], piece: Callable[[], _Piece]) -> None:
        self._inner = inner
        self._piece = piece

    def send(self, value: Any) -> Any:
        """The next piece."""
        with self._piece():
            return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        """The next piece after an exception."""
        with self._piece():
            return self._inner.throw(*error)


class _AsyncPieces(AsyncGenerator[Any, Any]):
    """An async generator, timed piece by piece."""

    def __init__(self, inner: AsyncGenerator[Any, Any], piece: Callable[[], _Piece]) -> None:
        self._inner = inner
        self._piece = piece

    async def asend(self, value: Any) -> Any:
        """The next piece."""
        with self._piece():
            return await self._inner.asend(value)

    async def athrow(self, *error: Any) -> Any:
        """The next piece after an exception."""
        with self._piece():
            return await self._inner.athrow(*error)


def timings_table(timings: tuple[Timing, ...]) -> str:
    """A line for each, under a line of headings; a sentence where there are none."""
    if not timings:
        return "nothing was tracked yet"
    heads = ("", "count", "errors", "total", "average", "min", "max", "p95")
    rows = [heads, *(_row(timing) for timing in timings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows
    )


def _row(timing: Timing) -> tuple[str, ...]:
    times = (timing.total_s, timing.average_s, timing.min_s, timing.max_s, timing.p95_s)
    counts = (f"{timing.count:,}", f"{timing.errors:,}")
    return (timing.name, *counts, *map(_time, times))


def _time(seconds: float) -> str:
    return show_duration(seconds) if seconds >= 1e-6 else f"{seconds * 1e9:.0f} ns"
