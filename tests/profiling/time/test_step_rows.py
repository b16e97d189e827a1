"""Steps inside of steps in what a profile says of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.profiling.findings.time import time_findings
from konseho_cli.profiling.time.analysing import analyse
from konseho_cli.profiling.time.lanes import lanes_of
from konseho_cli.profiling.time.step_rows import step_rows
from konseho_cli.profiling.verdicts import step_overheads
from konseho_cli.report.analysis import steps_lines
from konseho_cli.report.frame import as_text
from konseho_cli.report.symbols import ASCII, UNICODE
from konseho_cli.steps.ask import Ask
from konseho_cli.steps.loop import Loop
from konseho_cli.steps.parallel import Parallel
from konseho_cli.steps.vote import Vote
from tests.conftest import Stage

DRAFT = Ask(id="draft", agent="ann")
JUDGE = Ask(id="judge", agent="bob", prompt="{{ draft }}")


def council(*steps, times=2):
    loop = Loop(id="polish", steps=steps or (DRAFT, JUDGE), max=times)
    return {"polish": loop, "final": Ask(id="final", agent="cid")}


def names(outcome):
    return [(row.depth, row.text) for row in step_rows(analyse(outcome).steps)]


def test_a_step_that_holds_steps_is_followed_by_them_in_order(stage):
    outcome = stage.run(council())
    assert names(outcome) == [
        (0, "polish"), (1, "1.draft"), (1, "1.judge"), (1, "2.draft"), (1, "2.judge"), (0, "final"),
    ]  # fmt: skip
    polish, *inside, _ = analyse(outcome).steps
    assert polish.duration == polish.working == polish.on_path == 4_000_000_000
    assert polish.overhead == 0
    assert sum(step.on_path for step in inside) == polish.on_path
    assert step_overheads(outcome.spans)["polish"] == 0


def test_many_iterations_are_summed_by_place(stage):
    outcome = stage.run(council(times=30))
    assert names(outcome) == [(0, "polish"), (1, "draft × 30"), (1, "judge × 30"), (0, "final")]
    draft = step_rows(analyse(outcome).steps)[1].time
    assert (draft.step, draft.duration) == ("polish.draft", 30_000_000_000)
    table = as_text(steps_lines(analyse(outcome).steps, UNICODE, 100)).splitlines()
    assert table[2].startswith("  draft × 30  ask")
    assert "draft x 30" in ASCII.spelt(table[2])


def test_a_loop_within_a_loop_is_deeper(stage):
    inner = Loop(id="inner", steps=(DRAFT,), max=2)
    assert names(stage.run(council(inner, times=1))) == [
        (0, "polish"), (1, "1.inner"), (2, "1.draft"), (2, "2.draft"), (0, "final"),
    ]  # fmt: skip
    assert names(Stage().run(council(inner, Ask(id="judge", agent="bob"), times=9)))[1:-1] == [
        (1, "inner × 9"), (2, "draft × 18"), (1, "judge × 9"),
    ]  # fmt: skip


@given(times=st.integers(1, 12), inside=st.integers(1, 3), tries=st.integers(0, 1))
def test_the_figures_of_a_step_hold_those_inside_of_it(times, inside, tries):
    steps = [Ask(id=f"s{n}", agent="ann", needs=()) for n in range(inside)]
    outcome = Stage().run(council(*steps, times=times))
    found = {step.step: step for step in analyse(outcome).steps}
    polish = found.pop("polish")
    held = [step for name, step in found.items() if name.startswith("polish.")]
    assert polish.on_path == sum(step.on_path for step in held)
    assert polish.duration >= max(step.duration for step in held)
    rows = step_rows(analyse(outcome).steps)
    assert sum(row.count for row in rows if row.depth) == len(held)
    assert sum(row.time.duration for row in rows if row.depth) == sum(s.duration for s in held)


def test_lanes_are_headed_by_the_steps_of_the_council(stage):
    assert [step for step, _ in lanes_of(stage.run(council()), 5).steps] == ["polish", "final"]


def test_what_is_waited_for_in_every_iteration_is_one_finding_by_its_place(stage, scripted):
    model = scripted({"ann": (1, "a"), "bob": (1, "b"), "cid": (9, "c")})
    team = Parallel(id="team", agents=("ann", "bob", "cid"))
    outcome = stage.run(council(team, times=3), model)
    found = [each.finding for each in time_findings(outcome, analyse(outcome))]
    (straggler,) = [each for each in found if each.topic == "straggler"]
    assert straggler.where == "polish.team"
    assert straggler.saves_s == pytest.approx(24)


def test_a_vote_inside_says_what_stopping_early_would_have_saved(stage, scripted):
    ballot = '{"reason": "r", "choice": "A"}'
    model = scripted({"ann": (1, ballot), "bob": (1, ballot), "cid": (9, ballot)})
    vote = Vote(
        id="pick", candidates=["x", "y"], voters=("ann", "bob", "cid"), method="majority",
        early_stop=False,
    )  # fmt: skip
    outcome = stage.run(council(vote, times=2), model)
    stops = analyse(outcome).early_stops
    assert [stop.step for stop in stops] == ["polish.1.pick", "polish.2.pick"]
