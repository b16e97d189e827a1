"""The phases of one attempt as spans: connect, then ttft, then stream, each after the other."""

from __future__ import annotations

from konseho_cli.telemetry.spans import Scope, Span, SpanKind


class Phases:
    """At most one open span at a time, so that the phases never overlap.

    `connect` is there only where a new connection was made (DNS, TCP, TLS); `ttft` runs from the
    moment a connection is at hand to the first piece of the answer; `stream` to its end.
    """

    __slots__ = ("_open", "_scope", "reused")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._open: Span | None = None
        self.reused = False
        """Whether the request went out on a connection that had been used before."""

    def enter(self, kind: SpanKind) -> None:
        """The next phase begins, and so the one before it ends."""
        self.leave()
        self._open = self._scope.span(kind).__enter__()

    def leave(self, error: BaseException | None = None) -> None:
        """The open phase ends, by `error` if there is one."""
        span, self._open = self._open, None
        if span is not None:
            span.__exit__(None if error is None else type(error), error, None)
