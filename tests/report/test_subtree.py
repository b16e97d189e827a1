"""Steps inside of steps, as whoever watches a run sees them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelRefused, ModelUnavailable
from konseho_cli.report.frame import Painter, Size, as_text
from konseho_cli.report.past import past_view
from konseho_cli.report.progress import Progress
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.view import RunView
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.chair import Chair
from konseho_cli.steps.loop import Loop
from konseho_cli.telemetry.events import StepFinished, StepStarted
from tests.conftest import Stage

DRAFT = Ask(id="draft", agent="ann")
JUDGE = Ask(id="judge", agent="bob", prompt="{{ draft }}")
PAINTER = Painter(UNICODE)


def council(**fields):
    loop = Loop(id="polish", **{"steps": (DRAFT, JUDGE), "max": 2, **fields})
    return {"polish": loop, "final": Chair(id="final", agent="cid")}


def drawn(view, now, height=60):
    lines = PAINTER.frame(view, now, Size(width=100, height=height))
    return [line.rstrip() for line in as_text(lines).splitlines()]


def seen(stage):
    view = RunView()
    view(stage.events)
    return view


def test_what_a_step_holds_is_below_it_without_its_name(stage):
    outcome = stage.run(council())
    for view in (seen(stage), past_view(outcome)):
        lines = drawn(view, outcome.end)
        assert [line.split()[1] for line in lines[1:-1]] == [
            "polish", "1.draft", "1.judge", "2.draft", "2.judge", "final",
        ]  # fmt: skip
        assert [len(line) - len(line.lstrip()) for line in lines[1:-1]] == [2, 4, 4, 4, 4, 2]
        figures = " ".join(lines[1].split()[2:7])
        assert figures == "loop 4.0 s 12 tok"


def test_the_bar_and_the_share_count_the_steps_of_the_council_alone(stage):
    outcome = stage.run(council())
    view = seen(stage)
    assert view.ended == 2
    assert view.share == 1.0
    assert "2 of 2 steps" in drawn(view, outcome.end)[-1]
    half = RunView.of("c", (), stage.execution._plan)
    half([event for event in stage.events if event.at <= outcome.start + 2_500_000_000])
    assert 0 < half.share < 0.5


def test_a_hundred_iterations_are_two_rows_and_the_latest(stage):
    outcome = stage.run(council(max=100))
    lines = drawn(past_view(outcome), outcome.end)
    assert [line.split()[1:3] for line in lines[1:-1]] == [
        ["polish", "loop"], ["1", "to"], ["100.draft", "ann"], ["100.judge", "bob"],
        ["final", "cid"],
    ]  # fmt: skip
    assert "1 to 99" in lines[2]
    assert "99 iterations" in lines[2]
    assert "3 m 18 s" in lines[2]


@given(st.integers(3, 12), st.integers(0, 200))
def test_no_frame_is_higher_than_the_screen(height, tenths):
    stage = Stage()
    outcome = stage.run(council(max=9))
    view = RunView()
    now = outcome.start + tenths * 100_000_000
    view([event for event in stage.events if event.at <= now])
    assert len(drawn(view, now, height=height)) <= max(height, 3)


def test_a_screen_that_is_short_shows_the_iteration_at_work(stage):
    outcome = stage.run(council(max=9))
    now = outcome.start + 7_500_000_000
    view = RunView()
    view([event for event in stage.events if event.at <= now])
    lines = drawn(view, now, height=8)
    assert [line.split()[1] for line in lines[1:-1]] == [
        "polish",
        "1",
        "4.draft",
        "4.judge",
        "final",
    ]


def test_trouble_in_an_iteration_that_is_over_stays_to_be_seen(stage, scripted):
    judge = Ask(id="judge", agent="bob", prompt="x", on_error="continue")
    model = scripted({"bob": [(1, ModelRefused("no")), *[(1, "yes")] * 30]})
    outcome = stage.run(council(steps=(DRAFT, judge), max=9), model)
    folded = next(line for line in drawn(past_view(outcome), outcome.end) if "1 to 8" in line)
    assert folded.split()[0] == UNICODE.failed
    assert "1.judge: no" in folded


def test_a_try_that_begins_again_shows_its_own_iterations_alone(stage, scripted):
    busy = ModelUnavailable("503: busy")
    model = scripted({"bob": [(1, "a"), (1, busy), (1, "b"), (1, "c")]})
    stage.run(council(retries=1), model)
    view = RunView()
    again = [e for e in stage.seen(StepStarted) if e.step == "polish.1.draft"][1].at
    view([event for event in stage.events if event.at <= again])
    assert list(view.steps["polish"].inner) == ["polish.1.draft", "polish.1.judge"]


@pytest.mark.parametrize(("times", "told"), [(2, 4), (40, 12)])
def test_plain_lines_tell_of_few_steps_inside(stage, times, told):
    stage.run(council(max=times))
    stream = io.StringIO()
    Progress(RunView(council="c"), stream.write, UNICODE)(stage.events)
    lines = stream.getvalue().splitlines()
    assert lines[1] == "    polish.1.draft: ok in 1.0 s · 1 call · 3 tokens · $0.010"
    assert sum("polish." in line for line in lines) == told
    assert lines[-3].startswith("  polish: ok in ")


def test_plain_lines_tell_of_all_trouble_inside(stage, scripted):
    judge = Ask(id="judge", agent="bob", prompt="x", on_error="continue")
    model = scripted({"bob": [*[(1, "yes")] * 30, (1, ModelRefused("no"))]})
    stage.run(council(steps=(DRAFT, judge), max=31), model)
    stream = io.StringIO()
    Progress(RunView(council="c"), stream.write, UNICODE)(stage.events)
    assert "    polish.31.judge: failed" in stream.getvalue()


def test_steps_that_were_left_out_are_dim_and_said_so():
    view = RunView()
    view([
        StepStarted(at=0, step="sort", kind="route", agents=()),
        StepFinished(at=1, step="sort.bug.fix", status="skipped", reasons=("not taken",)),
        StepStarted(at=1, step="sort.idea.note", kind="ask", agents=("ann",)),
    ])  # fmt: skip
    painter = PAINTER.tree(view, 2, Size(width=80, height=24))
    skipped = next(line for line in painter if "bug.fix" in as_text((line,)))
    assert skipped[0].style == "dim"
    assert "not taken" in as_text((skipped,))
    assert list(view.steps) == ["sort"]
