"""Until when somebody waits: moments on the loop's clock in seconds, None for never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


def earliest(*times: float | None) -> float | None:
    """The first of them."""
    return min((time for time in times if time is not None), default=None)


@asynccontextmanager
async def ending_at(end: float | None, late: Callable[[], Exception]) -> AsyncIterator[None]:
    """Cancel what is inside at `end` (None: never), and raise `late()`; a TimeoutError of its own passes."""
    try:
        async with asyncio.timeout_at(end) as timer:
            yield
    except TimeoutError:
        if not timer.expired():
            raise
        raise late() from None
