"""A task group that cancels its children in the order in which they were made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any


class _OrderedTasks:
    """What TaskGroup needs of its set of tasks, but with an order that does not vary."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def add(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None

    def discard(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(list(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)


class OrderedTaskGroup(asyncio.TaskGroup):
    """asyncio.TaskGroup holds a set, whose order varies between processes; replays must not."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks = _OrderedTasks()  # type: ignore[assignment]

    def cancel_children(self) -> None:
        """Cancel what still runs, oldest first; the group then ends without an error."""
        for task in self._tasks:
            task.cancel()
