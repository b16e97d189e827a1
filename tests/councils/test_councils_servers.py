"""Shipped councils with a server that nobody here wrote: what it says decides how they go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.storing import Storing
from konseho_cli.session import Session
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import load_council
from tests.models.conftest import AIMOCK_KEY


@pytest.fixture
def confer(aimock: str, tmp_path: Path) -> Any:
    """Runs a shipped council with the server's answers."""

    def run(name: str, task: str) -> RunOutcome:
        loaded = load_council(find_council(name))
        options = RunOptions(
            task=task,
            inputs=fill_inputs(loaded.spec, {}),
            wishes=Wishes(model="openai:gpt-5-mini"),
            storing=Storing(file=tmp_path / "runs.db"),
        )
        env = {"OPENAI_BASE_URL": f"{aimock}/v1", "OPENAI_API_KEY": AIMOCK_KEY}
        return asyncio.run(Session(loaded, options, env).run())

    return run


def test_the_router_decides_which_branch_is_taken(confer) -> None:
    outcome = confer("triage-route", "An app rotates and crashes.")
    assert outcome.status == "ok"
    assert outcome.step("triage").value["chosen"] == ["bug"]
    assert {call.step for call in outcome.calls} == {
        "triage", "triage.bug.cause", "triage.bug.repeat", "reply",
    }  # fmt: skip
    assert outcome.answer == "It was looked into."


def test_critics_who_object_once_get_a_second_version(confer) -> None:
    outcome = confer("refine-until-approved", "Write a note.")
    assert outcome.error is None
    assert outcome.status == "ok"
    assert outcome.answer == "The second version, of 3 May."
    value = outcome.step("polish").value
    assert (value["approved"], value["rounds"], value["open"]) == (True, 2, [])


def test_a_feature_is_built_on_those_that_the_plan_says_it_needs(confer) -> None:
    outcome = confer("feature-build", "A shed of oak.")
    assert outcome.status == "ok"
    assert outcome.step("features").value[0] == "A roof on these walls."
    (roof, walls) = sorted(
        (call for call in outcome.calls if call.step == "features"), key=lambda call: call.label
    )
    assert (roof.label, walls.label) == ("roof", "walls")
    assert roof.start >= walls.end
