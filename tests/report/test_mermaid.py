from __future__ import annotations

from konseho_cli.engine.plan import make_plan
from konseho_cli.report.mermaid import plan_mermaid
from konseho_cli.steps.ask import Ask


def test_the_flowchart_has_every_step_and_says_why_it_waits(plan, golden):
    golden("plan.mmd", plan_mermaid(plan) + "\n")


def test_a_step_may_have_a_name_that_mermaid_keeps_for_itself():
    chart = plan_mermaid(make_plan({"end": Ask(agent="ann"), "graph": Ask(agent="ann")}))
    assert "step_end -->" in chart
    assert "\n    end" not in chart
