from __future__ import annotations

from typing import Any

import pytest

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
