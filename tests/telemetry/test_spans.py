"""Spans: nested, ended on every way out, in one causal order."""

from __future__ import annotations

import pytest

from konseho_cli.core.clock import RealClock
from konseho_cli.telemetry.spans import OPEN, Recorder


def test_spans_nest_and_are_kept_in_the_order_in_which_they_end() -> None:
    scope = Recorder(RealClock()).root()
    with scope.span("step") as outer, scope.span("ask", agent="ann") as inner:
        assert inner.parent == outer.id
        assert outer.end == OPEN
    assert scope.recorder.spans == [inner, outer]
    assert outer.id < inner.id < inner.closed < outer.closed
    assert outer.start <= inner.start <= inner.end <= outer.end
    assert scope.current is None
    assert scope.latest == outer.id


def test_an_error_ends_the_span_and_is_noted() -> None:
    scope = Recorder(RealClock()).root()
    with pytest.raises(KeyError), scope.span("ask") as span:
        raise KeyError("x")
    assert span.attributes["error"] == "KeyError"
    assert span.end >= span.start


def test_a_branch_is_a_task_of_its_own_under_the_open_span() -> None:
    scope = Recorder(RealClock()).root()
    with scope.span("step") as step:
        branch = scope.branch()
        with branch.span("ask") as ask:
            pass
    assert (step.task, ask.task) == (0, 1)
    assert ask.parent == step.id
    assert scope.current is None


def test_a_span_is_told_as_primitives() -> None:
    scope = Recorder(RealClock()).root()
    with scope.span("queue.limit", waker=7, resource="slots") as span:
        span.note(depth=3)
    told = span.as_dict()
    assert told["waker"] == 7
    assert told["attributes"] == {"resource": "slots", "depth": 3}
