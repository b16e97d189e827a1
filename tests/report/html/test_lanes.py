from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.profiling.time.critical_path import CriticalPath, critical_path
from konseho_cli.report.html import lanes as html_lanes
from konseho_cli.report.html.lanes import CLASSES, class_of, swim_lanes
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.parallel import Parallel

STEPS = {"both": Parallel(agents=("ann", "bob")), "end": Chair(agent="ann")}


def drawn(outcome: RunOutcome) -> dict[str, Any]:
    lanes = swim_lanes(outcome.spans, outcome.start, critical_path(outcome.spans))
    assert lanes is not None
    return lanes


def test_each_step_and_each_agent_has_a_lane_in_the_order_of_their_beginning(stage: Any) -> None:
    lanes = drawn(stage.run(STEPS))
    assert [(lane["name"], lane["step"]) for lane in lanes["lanes"]] == [
        ("both", True), ("end", True), ("ann", False), ("bob", False),
    ]  # fmt: skip
    assert [lane["row"] for lane in lanes["lanes"]] == [0, 1, 2, 3]


def test_a_span_stands_in_the_lane_of_whoever_it_is_of(stage: Any) -> None:
    lanes = drawn(stage.run(STEPS))
    kinds = [lanes["kinds"][kind]["name"] for kind in lanes["kind"]]
    found = {
        (kind, lanes["people"][who][1]): row
        for kind, who, row in zip(kinds, lanes["who"], lanes["row"], strict=True)
    }
    assert found["ask", "ann"] == found["ttft", "ann"] == 2
    assert found["ask", "bob"] == found["ttft", "bob"] == 3
    assert "run" not in kinds


def test_what_ended_a_wait_is_told(stage: Any) -> None:
    lanes = drawn(stage.run(STEPS, concurrency=1))
    waits = [
        (lanes["people"][who][1], lanes["people"][waker][1])
        for kind, who, waker in zip(lanes["kind"], lanes["who"], lanes["waker"], strict=True)
        if lanes["kinds"][kind]["name"] == "queue.limit" and waker >= 0
    ]
    assert ("bob", "ann") in waits


def test_the_outlines_cover_the_part_of_the_path_that_lies_in_steps(stage: Any) -> None:
    outcome = stage.run(STEPS)
    lanes = drawn(outcome)
    path = critical_path(outcome.spans)
    inside = sum(part.duration for part in path.segments if part.step)
    assert sum(end - start for _, start, end in lanes["path"]) == inside
    on_it = [lane["name"] for lane in lanes["lanes"] if lane["path"] and not lane["step"]]
    assert on_it == ["ann", "bob"]
    assert [row for row, _, _ in lanes["path"]] == [3, 2]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1))
def test_what_overlaps_is_packed_into_as_few_rows_as_there_are_at_once(found: Any) -> None:
    intervals = [(start, start + length, number) for number, (start, length) in enumerate(found)]
    places = html_lanes._pack(intervals)
    for start, end, number in intervals:
        for other, until, second in intervals:
            if number != second and start < until and other < end:
                assert places[number] != places[second]
    moments = {start for start, _, _ in intervals}
    # What takes no time needs a row too while it is placed.
    most = max(sum(start <= at <= end for start, end, _ in intervals) for at in moments)
    assert max(places.values()) < most


def test_of_very_many_spans_the_longest_are_drawn(stage: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(html_lanes, "MOST_SPANS", 4)
    lanes = drawn(stage.run(STEPS))
    assert len(lanes["start"]) == 4
    assert lanes["left_out"] > 0


def test_among_many_lanes_those_of_the_critical_path_lead(stage: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(html_lanes, "FEW_LANES", 1)
    model_last = {
        "first": Ask(agent="bob"),
        "second": Ask(agent="ann", needs=()),
        "third": Chair(agent="cid", needs=("first",)),
    }
    lanes = drawn(stage.run(model_last))
    agents = [lane for lane in lanes["lanes"] if not lane["step"]]
    assert [lane["path"] for lane in agents] == sorted(
        (lane["path"] for lane in agents), reverse=True
    )


def test_without_steps_there_is_nothing_to_draw() -> None:
    assert swim_lanes((), 0, CriticalPath(segments=())) is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [("queue.limit", "waiting"), ("barrier", "waiting"), ("ttft", "first token"), ("stream", "streaming"),
     ("journal", "konseho"), ("human", "tools and people")],
)  # fmt: skip
def test_a_kind_has_a_class(kind: str, name: str) -> None:
    assert CLASSES[class_of(kind)] == name
