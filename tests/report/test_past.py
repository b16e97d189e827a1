from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from konseho_cli.report.frame import Painter, Size, as_text
from konseho_cli.report.past import past_view
from konseho_cli.report.symbols import UNICODE
from konseho_cli.report.view import RunView

SIZE = Size(width=120, height=100)


@pytest.mark.parametrize("run", ["outcome", "panel"])
def test_a_run_that_is_over_looks_as_it_did_at_its_end(
    request: pytest.FixtureRequest, stage: Any, run: str
) -> None:
    found = request.getfixturevalue(run)
    outcome = getattr(found, "outcome", found)
    live = RunView()
    live(stage.events)
    for step in live.steps.values():
        step.note = ""  # what a step said of itself while it ran, such as `round 2`, is not kept
    painter = Painter(UNICODE)
    then, now = (
        as_text(painter.tree(view, outcome.end, SIZE)[1:]) for view in (live, past_view(outcome))
    )
    assert sorted(then.replace("└", "├").splitlines()) == sorted(now.replace("└", "├").splitlines())


def test_calls_at_the_same_time_are_counted(panel: Any) -> None:
    view = past_view(panel.outcome)
    assert view.steps["argue"].agents["ann"].most_open == 1
    assert view.tally.calls == len(panel.outcome.calls)
    assert view.status == "degraded"


def test_steps_of_a_run_that_still_runs_wait_or_run(panel: Any) -> None:
    first, *rest = panel.outcome.steps
    gone = [structs.replace(step, start=None, end=None, status="cancelled") for step in rest]
    calls = [call for call in panel.outcome.calls if call.step != "verdict"]
    outcome = structs.replace(panel.outcome, steps=(first, *gone), calls=tuple(calls))
    view = past_view(outcome, is_running=True)
    assert [step.state for step in view.steps.values()] == ["degraded", "running", "waiting"]
