from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.core.clock import RealClock
from konseho_cli.report.exports.tracks import calls_of, lanes, placed
from konseho_cli.telemetry.spans import Recorder, Scope, Span
from tests.report.profiles import recording


def walk(choices: list[tuple[int, int]]) -> list[Span]:
    """Spans of several tasks that take turns: each choice is a task, and what it does next."""
    recorder = Recorder(RealClock())
    root = recorder.root()
    tasks: list[tuple[Scope, list[Span]]] = [(root, [root.span("run", council="c").__enter__()])]
    kinds = ("step", "ask", "ttft", "queue.limit")
    for which, what in choices:
        scope, open_ = tasks[which % len(tasks)]
        if what == 0 and len(tasks) < 8:
            tasks.append((scope.branch(), []))
        elif what == 1 and len(open_) > (which % len(tasks) == 0):
            open_.pop().__exit__(None, None, None)
        else:
            kind = kinds[what % 4]
            names = {"step": "s"} if kind == "step" else {"agent": f"a{what % 2}"}
            open_.append(scope.span(kind, **names).__enter__())  # type: ignore[arg-type]
    for _, open_ in reversed(tasks):
        while open_:
            open_.pop().__exit__(None, None, None)
    return recorder.spans


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=60))
def test_every_span_is_in_one_lane_and_every_lane_nests(choices: list[tuple[int, int]]) -> None:
    spans = walk(choices)
    found = lanes(spans)
    assert sorted(each.span.id for lane in found for each in lane.spans) == sorted(
        span.id for span in spans
    )
    for lane in found:
        open_: list[int] = []
        before = -1
        for mark in lane.marks():
            assert mark.at >= before
            before = mark.at
            if mark.begins:
                open_.append(mark.placed.span.id)
            else:
                assert open_.pop() == mark.placed.span.id
        assert not open_


def test_agents_have_lanes_and_steps_and_the_run() -> None:
    found = lanes(recording().outcome.spans)
    assert [lane.title for lane in found] == [
        "quickstart", "step answers", "step ballot", "step result",
        "builder", "skeptic", "outsider", "chair",
    ]  # fmt: skip


@pytest.mark.parametrize("council", ["quickstart", "research-split", "architecture-debate"])
def test_every_call_belongs_to_one_ask(council: str) -> None:
    outcome = recording(council).outcome
    found = calls_of(outcome)
    assert sum(map(len, found.values())) == len(outcome.calls)
    asks = {each.span.id for each in placed(outcome.spans) if each.span.kind == "ask"}
    assert set(found) == asks


def test_calls_that_are_about_the_same_are_those_of_their_own_asks() -> None:
    """Three at once, of which the second was repaired."""
    recorder = Recorder(RealClock())
    root = recorder.root()
    asks: list[Span] = []
    for _ in range(3):
        ask = root.branch().span("ask", step="s", agent="a", label="x")
        ask.start, ask.end, ask.closed = len(asks), 100 - 10 * len(asks), 1000
        asks.append(ask)
    times = [(2, 79), (0, 99), (1, 40), (42, 89)]
    call = recording().outcome.calls[0]
    calls = tuple(
        structs.replace(call, step="s", agent="a", label="x", start=start, end=end)
        for start, end in times
    )
    found = calls_of(structs.replace(recording().outcome, spans=asks, calls=calls))
    assert {number: [(one.start, one.end) for one in own] for number, own in found.items()} == {
        asks[0].id: [(0, 99)], asks[1].id: [(1, 40), (42, 89)], asks[2].id: [(2, 79)],
    }  # fmt: skip


def test_an_agent_that_is_asked_twice_at_a_time_has_two_lanes() -> None:
    titles = [lane.title for lane in lanes(recording("research-split").outcome.spans)]
    assert any(title.endswith(" 2") for title in titles)
