"""The councils that ship: valid, documented, without a model of their own, and they run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from konseho_cli.cli.main import invoke
from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.blocks import steps_within
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.models.base import place_of
from konseho_cli.session import RunOptions, Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import load_council
from konseho_cli.steps.base import agent_id
from konseho_cli.steps.blocks import every_step

ROOT = Path(__file__).resolve().parents[2]
COUNCILS = sorted((ROOT / "councils").glob("*.yaml"))
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-x = 1\n+x = int(input())\n"
INPUTS = {"code-review": {"diff": DIFF}}
TASKS = {"code-review": None}

each_council = pytest.mark.parametrize("path", COUNCILS, ids=lambda path: path.stem)


def _session(path: Path, model: str | None = "sim") -> Session:
    loaded = load_council(path)
    options = RunOptions(
        task=TASKS.get(path.stem, "Move the job queue from Redis to PostgreSQL?"),
        inputs=fill_inputs(loaded.spec, INPUTS.get(path.stem, {})),
        wishes=Wishes(model=model),
    )
    return Session(loaded, options, env={})


def _run(path: Path) -> RunOutcome:
    session = _session(path)
    return run_virtual(lambda loop: session.run())


def _document(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_all_that_are_promised_are_there() -> None:
    assert {path.stem for path in COUNCILS} >= {
        "quickstart", "code-review", "architecture-debate", "research-split", "llm-council",
        "triage-route", "feature-build",
    }  # fmt: skip


@each_council
def test_it_is_valid_and_nothing_about_it_is_warned_of(path: Path) -> None:
    loaded = load_council(path)
    assert not loaded.warnings
    assert loaded.spec.name == path.stem


@each_council
def test_its_header_says_when_to_use_it_and_how_to_run_it(path: Path) -> None:
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first == "# yaml-language-server: $schema=../docs/council.schema.json"
    header = "\n".join(line for line in rest[: rest.index("konseho: 1")])
    assert "Use it" in header
    assert re.search(rf"konseho run {path.stem}\b", header)


@each_council
def test_it_meets_the_schema_that_its_editor_reads(path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "council.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(_document(path))


def test_the_schema_in_the_documentation_is_the_one_that_konseho_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["schema"]) == 0
    kept = (ROOT / "docs" / "council.schema.json").read_text(encoding="utf-8")
    assert capsys.readouterr().out == kept, "run `make schema`"


@each_council
def test_it_chooses_no_model(path: Path) -> None:
    loaded = load_council(path)
    assert loaded.spec.model is None
    assert not loaded.spec.models
    assert all(agent.model is None for agent in loaded.spec.agents.values())


@each_council
def test_it_runs_to_a_good_end(path: Path) -> None:
    outcome = _run(path)
    assert outcome.status == "ok", (outcome.error, outcome.reasons)
    assert outcome.answer
    assert {step.status for step in outcome.steps} == {"ok"}


@each_council
def test_every_agent_of_it_has_a_part_or_a_step_that_was_skipped(path: Path) -> None:
    outcome, loaded = _run(path), load_council(path)
    placed = dict(every_step(loaded.steps.values()))
    asked = {call.agent.partition("#")[0] for call in outcome.calls}
    for step in outcome.steps:
        for inner in steps_within(step):
            if inner["status"] == "skipped":
                named = placed[place_of(inner["id"])].speakers().values()
                asked |= {agent_id(ref) for refs in named for ref in refs}
    assert asked == set(loaded.spec.agents)


@each_council
def test_the_same_run_gives_the_same_answer_in_the_same_time(path: Path) -> None:
    first, second = _run(path), _run(path)
    assert first.answer == second.answer
    assert first.end - first.start == second.end - second.start > 0


@each_council
def test_it_runs_from_the_command_line(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    diff = tmp_path / "change.diff"
    diff.write_text(DIFF, encoding="utf-8")
    given = ["--input", f"diff=@{diff}"] if path.stem in INPUTS else ["Tabs or spaces?"]
    status = invoke(["run", path.stem, *given, "--model", "sim:instant", "--json"])
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["status"] == "ok"
    assert status == (1 if outcome.get("gate") is False else 0)


def test_a_gate_does_not_open_on_answers_that_nobody_asked_to_simulate() -> None:
    path = ROOT / "councils" / "code-review.yaml"
    with pytest.raises(UsageError, match="no model chosen"):
        _session(path, model=None)


def test_an_approval_is_decided_by_the_chair_alone() -> None:
    outcome = _run(ROOT / "councils" / "code-review.yaml")
    assert outcome.gate is outcome.answer["approve"]


def test_research_keeps_the_order_of_its_questions() -> None:
    outcome = _run(ROOT / "councils" / "research-split.yaml")
    questions = outcome.step("plan").value["questions"]
    assert len(outcome.step("research").value) == len(questions)


def test_a_ticket_goes_to_the_branches_that_were_chosen_and_the_reply_hears_only_these() -> None:
    outcome = _run(ROOT / "councils" / "triage-route.yaml")
    routed = outcome.step("triage")
    chosen = set(routed.value["chosen"])
    assert 1 <= len(chosen) <= 2
    assert {part.label.partition(":")[0] for part in routed.parts} == chosen
    for name, steps in routed.value["branches"].items():
        assert all((value is not None) == (name in chosen) for value in steps.values())


def test_a_build_does_every_feature_of_its_plan_stage_by_stage() -> None:
    outcome = _run(ROOT / "councils" / "feature-build.yaml")
    stages = outcome.step("plan").value["stages"]
    built = outcome.step("build").value
    assert built["done"]
    assert [len(one["features"]) for one in built["iterations"]] == [len(each) for each in stages]
    whole = {call.step: call for call in outcome.calls if call.step.endswith(".whole")}
    for number in range(1, len(stages)):
        begins = [
            call.start for call in outcome.calls if call.step == f"build.{number + 1}.features"
        ]
        assert min(begins) >= whole[f"build.{number}.whole"].end


def test_a_build_without_checks_asks_no_checker() -> None:
    loaded = load_council(ROOT / "councils" / "feature-build.yaml")
    inputs = fill_inputs(loaded.spec, {"checks": "none"})
    options = RunOptions(task="A lamp.", inputs=inputs, wishes=Wishes(model="sim"))
    session = Session(loaded, options, env={})
    outcome = run_virtual(lambda loop: session.run())
    assert outcome.status == "ok"
    assert "checker" not in {call.agent for call in outcome.calls}
