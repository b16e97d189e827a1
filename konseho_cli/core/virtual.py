"""Virtual time: an event loop that jumps to its next timer instead of waiting for it.

The same code then takes milliseconds of real time and the same makespan to the nanosecond at
every run. The clock stands still while a thread is awaited (and with it whatever the thread waits
for, such as a process), and results are handed over in the order of submission, once nothing else
is ready. Sockets and asyncio's own subprocesses have no place here: awaiting one is a `Deadlock`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Every task waits, and no timer or thread is left that could wake one."""


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the loop what to do where a plain selector would sleep."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.loop.awaits_outside:
            if not self.loop.deliver():
                return super().select(None)
        elif timeout is None:
            raise Deadlock("virtual time: every task waits and nothing is left to wake one")
        else:
            self.loop.jump()
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop whose time is a number; it is also a `Clock`."""

    def __init__(self, *, wall_s: float = 0.0) -> None:
        self._virtual_s = 0.0
        self._wall_s = wall_s
        self._outside: deque[tuple[Future[Any], asyncio.Future[Any]]] = deque()
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_s

    def now(self) -> int:
        """Virtual nanoseconds since the loop was made."""
        return round(self._virtual_s * 1e9)

    def wall(self) -> float:
        """The date that the virtual time stands for, in seconds since the epoch."""
        return self._wall_s + self._virtual_s

    @property
    def awaits_outside(self) -> bool:
        """Whether a thread or process is still awaited, so that time must stand still."""
        return bool(self._outside)

    def jump(self) -> None:
        """Move to the next timer. The loop has dropped cancelled ones from the head before.

        Time is a whole number of nanoseconds, so that durations that were written down add up to
        the same moments again. The loop lets go of timers within a nanosecond.
        """
        scheduled = cast("list[asyncio.TimerHandle]", self._scheduled)  # type: ignore[attr-defined]
        self._virtual_s = max(self._virtual_s, round(scheduled[0].when() * 1e9) / 1e9)

    def deliver(self) -> bool:
        """Hand over the oldest outside result if it is there; whether it was."""
        source, target = self._outside[0]
        if target.cancelled():
            source.cancel()  # nobody waits for it any more, so neither does the clock
            self._outside.popleft()
            return True
        if not source.done():
            return False
        self._outside.popleft()
        if source.cancelled():
            target.cancel()
            return True
        error = source.exception()
        if error is None:
            target.set_result(source.result())
        else:
            target.set_exception(error)
        return True

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run in a thread; the clock stands still until its result is handed over."""
        if executor is None:
            executor = cast("Executor | None", self._default_executor)  # type: ignore[attr-defined]
            if executor is None:
                executor = ThreadPoolExecutor(thread_name_prefix="virtual")
                self.set_default_executor(executor)
        source = executor.submit(func, *args)
        target: asyncio.Future[T] = self.create_future()
        self._outside.append((source, target))
        source.add_done_callback(lambda _: self._wake())
        return target

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """End the threads; asyncio's own way waits for a thread that the clock does not count."""
        executor = cast("Executor | None", self._default_executor)  # type: ignore[attr-defined]
        if executor is not None:
            executor.shutdown(wait=True)

    def _wake(self) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(lambda: None)


def run_virtual(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main(loop)` in virtual time and return its result; the loop is the clock."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))
