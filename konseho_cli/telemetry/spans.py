"""Spans: where the time of a run went, recorded by the code that knows why it waited.

Every span has a place in one causal order: `id` is drawn when it starts and `closed` when it ends,
both from the same counter. Of two moments at the same nanosecond, the order tells which came
first; so a walk back by wakers always ends, and its segments sum to the makespan exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from konseho_cli.core.clock import Clock

SpanKind = Literal[
    "run", "step", "ask", "queue.pool", "queue.limit", "queue.rate", "backoff", "connect", "ttft",
    "stream", "cache", "tool", "human", "serialize", "context", "journal", "compute", "barrier",
    "loop_lag", "queue.flight", "queue.warm",
]  # fmt: skip

WAITS: frozenset[str] = frozenset({
    "queue.pool", "queue.limit", "queue.rate", "queue.flight", "queue.warm", "backoff", "barrier",
})  # fmt: skip
"""Kinds in which nothing works: their `waker` is what ended them."""

OPEN = -1
"""`end` and `closed` of a span that has not ended."""


class Span:
    """One interval of one task.

    `start` and `end` are nanoseconds on the run's clock. `waker` is the id of the span that ended
    a wait, or that started any other span; None: a timer or the outside (waits), the parent (the
    rest). `task` is the logical task: code that runs one thing after another. A context manager: leaving it ends it, on an error or a cancellation too.
    """

    __slots__ = (
        "attributes", "closed", "end", "id", "kind", "parent", "scope", "start", "task", "waker",
    )  # fmt: skip

    def __init__(
        self, scope: Scope, kind: SpanKind, waker: int | None, attributes: dict[str, Any]
    ) -> None:
        recorder = scope.recorder
        self.scope = scope
        self.task = scope.task
        self.kind = kind
        self.parent = scope.current
        self.waker = waker
        self.attributes = attributes
        self.end = self.closed = OPEN
        self.id = recorder.draw()
        self.start = recorder.now()

    @classmethod
    def kept(cls, **fields: Any) -> Self:
        """A span that ended, as it was kept: of all fields but its scope."""
        span = cls.__new__(cls)
        for name, value in fields.items():
            setattr(span, name, value)
        return span

    def note(self, **attributes: Any) -> None:
        """Add what became known while it ran: primitives only."""
        self.attributes.update(attributes)

    def __enter__(self) -> Self:
        self.scope.current = self.id
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.attributes["error"] = kind.__name__
        scope = self.scope
        del self.scope  # a finished span is a record: it holds nothing that holds it
        recorder = scope.recorder
        self.end = recorder.now()
        self.closed = recorder.draw()
        scope.current = self.parent
        scope.last = self.id
        recorder.spans.append(self)

    def as_dict(self) -> Mapping[str, Any]:
        """As primitives, for JSON and for whatever keeps it."""
        return {
            "id": self.id, "parent": self.parent, "task": self.task, "kind": self.kind,
            "start": self.start, "end": self.end, "closed": self.closed, "waker": self.waker,
            "attributes": dict(self.attributes),
        }  # fmt: skip


class Scope:
    """The position of one logical task in the tree: what its next span hangs under."""

    __slots__ = ("_parent", "current", "last", "recorder", "task")

    def __init__(self, recorder: Recorder, parent: int | None) -> None:
        self.recorder = recorder
        self.task = recorder.new_task()
        self._parent = parent
        self.current = parent
        """Id of the open span; for a fresh scope the span of the parent task it came from."""
        self.last: int | None = None
        """Id of the span that ended last here: what a join names as its waker."""

    def span(self, kind: SpanKind, /, *, waker: int | None = None, **attributes: Any) -> Span:
        """Start a span; use it as a context manager."""
        return Span(self, kind, waker, attributes)

    @property
    def latest(self) -> int:
        """What this task did last: whoever hands something over names it as the waker."""
        return self.last if self.last is not None else self.current or 0

    @property
    def here(self) -> int:
        """The open span: whoever lets go of something in the midst of it names it as the waker."""
        # The span of the parent task is none of this task's own: others wait in it for us.
        return self.latest if self.current == self._parent else self.current or 0

    def branch(self) -> Scope:
        """The scope of a task that this one starts."""
        return Scope(self.recorder, self.current)


class Recorder:
    """All spans of one run, in the order in which they ended. No I/O, no locks: one loop."""

    __slots__ = ("_drawn", "_tasks", "now", "spans")

    def __init__(self, clock: Clock) -> None:
        self.now = clock.now
        self.spans: list[Span] = []
        self._drawn = -1
        self._tasks = -1

    def draw(self) -> int:
        """The next place in the causal order."""
        self._drawn += 1
        return self._drawn

    def new_task(self) -> int:
        """The next task number; 0 is the run itself."""
        self._tasks += 1
        return self._tasks

    def root(self) -> Scope:
        """The scope of the run."""
        return Scope(self, None)
