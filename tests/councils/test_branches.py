"""The councils that ship with branches: what runs, what does not, and in which order."""

from __future__ import annotations

from pathlib import Path

from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import load_council

COUNCILS = Path(__file__).resolve().parents[2] / "councils"


def run(name: str, **inputs: str) -> RunOutcome:
    """A run in virtual time, with simulated answers."""
    loaded = load_council(COUNCILS / f"{name}.yaml")
    options = RunOptions(
        task="A lamp.", inputs=fill_inputs(loaded.spec, inputs), wishes=Wishes(model="sim")
    )
    session = Session(loaded, options, env={})
    return run_virtual(lambda loop: session.run())


def test_a_ticket_goes_to_the_branches_that_were_chosen_and_the_reply_hears_only_these() -> None:
    outcome = run("triage-route")
    routed = outcome.step("triage")
    chosen = set(routed.value["chosen"])
    assert 1 <= len(chosen) <= 2
    assert {part.label.partition(":")[0] for part in routed.parts} == chosen
    for name, steps in routed.value["branches"].items():
        assert all((value is not None) == (name in chosen) for value in steps.values())


def test_a_build_does_every_feature_of_its_plan_and_has_all_of_it_checked_and_reviewed() -> None:
    outcome = run("feature-build")
    assert outcome.status == "ok"
    assert len(outcome.step("features").value) == len(outcome.step("plan").value["features"])
    assert [step.id for step in outcome.steps] == [
        "plan", "features", "check", "whole", "review", "result",
    ]  # fmt: skip
    assert {call.agent for call in outcome.calls} == {
        "planner", "builder", "checker", "integrator", "reviewer", "security", "chair",
    }  # fmt: skip


def test_a_build_without_checks_asks_no_checker() -> None:
    outcome = run("feature-build", checks="none")
    assert outcome.status == "ok"
    assert "checker" not in {call.agent for call in outcome.calls}
