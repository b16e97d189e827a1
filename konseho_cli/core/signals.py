"""Signals that end a run: the first one gently, the second one at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from types import FrameType

SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
SAME_SIGNAL_S = 0.05
"""So soon after the first, a signal is the same one: `timeout` sends it to us and to our group."""


def heeded() -> tuple[signal.Signals, ...]:
    """Those that are not ignored: under `nohup` a hang-up is."""
    return tuple(each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN)


def heed(
    first: Callable[[signal.Signals], None], second: Callable[[int, FrameType | None], object]
) -> None:
    """On the running loop: `first` is called on the loop, `second` wherever the process is."""
    loop = asyncio.get_running_loop()
    watched = heeded()

    def stop(number: signal.Signals) -> None:
        at = time.monotonic()

        def again(number: int, frame: FrameType | None) -> None:
            if time.monotonic() - at > SAME_SIGNAL_S:
                second(number, frame)

        for each in watched:
            loop.remove_signal_handler(each)
            signal.signal(each, again)
        first(number)

    with contextlib.suppress(NotImplementedError):  # Windows: asyncio.run cancels on Ctrl-C
        for each in watched:
            loop.add_signal_handler(each, stop, each)
