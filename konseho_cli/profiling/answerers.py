"""Which model a call was answered by: the spans of a run and the records of its calls, joined."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from konseho_cli.engine.outcome import CallRecord
from konseho_cli.profiling.trace import Named, Trace
from konseho_cli.telemetry.spans import Span


class Answerers:
    """The records of calls, found by what their asks are about and when they began."""

    def __init__(self, trace: Trace, calls: Sequence[CallRecord]) -> None:
        self._trace = trace
        self._calls: dict[tuple[str, str, str], list[CallRecord]] = {}
        for call in sorted(calls, key=lambda call: call.start):
            self._calls.setdefault((call.step, call.agent, call.label), []).append(call)

    def model(self, span: Span, at: int) -> str:
        """Who answered the call that was under way in a span; empty outside of any.

        Where a fallback answered, all of the call counts as the fallback's.
        """
        named: Named = self._trace.named(span)
        if named.ask is None:
            return ""
        calls = self._calls.get((named.step, named.agent, named.label), [])
        number = bisect_right(calls, at, key=lambda call: call.start) - 1
        return calls[max(number, 0)].model if calls else ""
