"""The spans of one run by id, by task and by what they are about: what every analysis reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from konseho_cli.telemetry.spans import WAITS, Span

WORK: frozenset[str] = frozenset({"ask", "connect", "ttft", "stream", "tool", "human"})
"""Kinds of leaves in which a model, a tool or a person works; an `ask` is a leaf where its model
records no phases."""


class Named(NamedTuple):
    """What a span is about, as the nearest span around it says."""

    step: str = ""
    agent: str = ""
    label: str = ""
    ask: Span | None = None

    @property
    def place(self) -> str:
        """`argue round 2/speed`; empty outside of any step."""
        label = f" {self.label}" if self.label else ""
        agent = f"/{self.agent}" if self.agent else ""
        return f"{self.step}{label}{agent}"


class Trace:
    """An index of spans that ended; building it is linear but for sorting."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = sorted(spans, key=lambda span: span.id)
        self.by_id = {span.id: span for span in self.spans}
        self.run = next((span for span in self.spans if span.kind == "run"), None)
        """The root; None: the run was cut off, and nothing can be said."""
        self.by_task: dict[int, list[Span]] = {}
        """In the order in which they began."""
        self.leaves: dict[int, list[Span]] = {}
        """Of each task those in which no other span of the same task began, in their order."""
        self._named: dict[int, Named] = {}
        self._index()

    def _index(self) -> None:
        by_id, inner = self.by_id, set()
        for span in self.spans:
            self.by_task.setdefault(span.task, []).append(span)
            around = by_id.get(span.parent) if span.parent is not None else None
            if around is None or around.task != span.task:
                continue
            # An answer that is given is written down within; it is one thing that was done.
            inner.add(span.id if _is_given(around) else around.id)
        self.inner = frozenset(inner)
        """Ids of the spans that are no leaves: others are in them, or they are part of one."""
        for task, found in self.by_task.items():
            self.leaves[task] = [span for span in found if span.id not in inner]

    def is_leaf(self, span: Span) -> bool:
        """Whether its task did nothing else within it."""
        return span.id not in self.inner

    def named(self, span: Span) -> Named:
        """Step, agent, label and call, from the nearest span around it that has them."""
        found = self._named.get(span.id)
        if found is not None:
            return found
        above = self.by_id.get(span.parent) if span.parent is not None else None
        outer = Named() if above is None else self.named(above)
        own = span.attributes
        found = self._named[span.id] = Named(
            step=own.get("step", outer.step),
            agent=own.get("agent", outer.agent),
            label=own.get("label", outer.label),
            ask=span if span.kind == "ask" else outer.ask,
        )
        return found

    def works(self, span: Span) -> bool:
        """Whether somebody works in it: a model, a tool, a person, or what stands in for them."""
        if span.kind == "journal":
            return _is_given(span)
        return span.kind in WORK and self.is_leaf(span)

    def starter(self, task: int) -> Span:
        """The span that started a task: its first one's waker, if that is no wait, or its parent."""
        first, run = self.by_task[task][0], self.run
        assert run is not None
        by_waker = first.waker is not None and first.kind not in WAITS
        number = first.waker if by_waker else first.parent
        return run if number is None else self.by_id.get(number, run)

    def waker(self, wait: Span) -> Span | None:
        """What ended a wait; None: a timer, the outside, or what nobody recorded.

        A branch that recorded nothing names what its own barrier is in: that says nothing.
        """
        if wait.kind not in WAITS or wait.waker is None:
            return None
        waker = self.by_id.get(wait.waker)
        if waker is None or waker.task == wait.task or waker.closed < wait.id:
            return None
        return waker


def _is_given(span: Span) -> bool:
    """Whether an answer is given in it, in a model's place."""
    return span.kind == "journal" and "source" in span.attributes
