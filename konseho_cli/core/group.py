"""Tasks of one owner, who does not go on before all of them have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Group:
    """What asyncio.TaskGroup is for, with an order that never varies, at a fraction of its cost.

    TaskGroup keeps a set, so what it cancels first differs between processes, and a replay must
    not. The coroutines hand their results and errors to the owner themselves and must raise
    nothing but CancelledError; in return no task needs a callback.
    """

    __slots__ = ("_create", "_tasks")

    def __init__(self) -> None:
        self._create = asyncio.get_running_loop().create_task
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a task, which may be cancelled for itself."""
        task = self._create(coroutine)
        self._tasks.append(task)
        return task

    async def stop(self) -> None:
        """Cancel what still runs, oldest first, and wait until it has ended."""
        cancelled: asyncio.CancelledError | None = None
        running = [task for task in self._tasks if not task.done()]
        for task in running:
            task.cancel()
        while running:
            try:
                await asyncio.wait(running)
            except asyncio.CancelledError as error:
                cancelled = error  # once nothing of ours runs any more
            running = [task for task in running if not task.done()]
        if cancelled is not None:
            raise cancelled


def being_cancelled() -> bool:
    """Whether somebody cancels the running task; a stray CancelledError says nothing of that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
