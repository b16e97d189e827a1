"""The councils that ship: valid, documented, without a model of their own, and they run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from konseho_cli.agents.markdown import read_agent
from konseho_cli.cli.main import invoke
from konseho_cli.core.errors import UsageError
from konseho_cli.core.virtual import run_virtual
from konseho_cli.engine.casting import Wishes
from konseho_cli.engine.options import RunOptions
from konseho_cli.engine.outcome import RunOutcome
from konseho_cli.engine.plan import plan_of
from konseho_cli.engine.within import within
from konseho_cli.models.base import place_of
from konseho_cli.models.person import Answering
from konseho_cli.report.plan import Shown, plan_text
from konseho_cli.report.symbols import UNICODE
from konseho_cli.session import Session
from konseho_cli.spec.inputs import fill_inputs
from konseho_cli.spec.load import load_council
from konseho_cli.steps.base import agent_id
from konseho_cli.steps.blocks import every_step

ROOT = Path(__file__).resolve().parents[2]
COUNCILS = sorted((ROOT / "councils").glob("*.yaml"))
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-x = 1\n+x = int(input())\n"
WORK = "Restart the server. That mends it."
INPUTS = {"code-review": {"diff": DIFF}, "judge-panel": {"work": WORK}}
TASKS = {"code-review": None, "judge-panel": None}
FINE = {"refine-until-approved": {"ok", "degraded"}}
"""Of a run by the simulator, whose critics approve by chance; all others must be `ok`."""
STANDING_BY = {"judge-panel": {"presiding", "deputy"}}
"""Who is only asked where others are tied."""
ANSWERS = {"human-approval": {"decide": "ask for changes", "changes": "Name the time zone."}}

each_council = pytest.mark.parametrize("path", COUNCILS, ids=lambda path: path.stem)


def _session(path: Path, model: str | None = "sim") -> Session:
    loaded = load_council(path)
    options = RunOptions(
        task=TASKS.get(path.stem, "Move the job queue from Redis to PostgreSQL?"),
        inputs=fill_inputs(loaded.spec, INPUTS.get(path.stem, {})),
        wishes=Wishes(model=model),
    )
    answers = ANSWERS.get(path.stem, {})
    desk = Answering(lambda question: answers[question.step])
    return Session(loaded, options, env={}, desk=lambda: desk)


def _run(path: Path) -> RunOutcome:
    session = _session(path)
    return run_virtual(lambda loop: session.run())


def _document(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_all_that_ship_are_there() -> None:
    assert {path.stem for path in COUNCILS} >= {
        "quickstart", "code-review", "architecture-debate", "research-split", "llm-council",
        "refine-until-approved", "mixture-of-agents", "judge-panel",
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
    people = {agent.model for agent in loaded.spec.agents.values()} - {None}
    assert people <= {"human"}


@each_council
def test_it_runs_to_a_good_end(path: Path) -> None:
    outcome = _run(path)
    fine = FINE.get(path.stem, {"ok"})
    assert outcome.status in fine, (outcome.error, outcome.reasons)
    assert outcome.answer
    assert {step.status for step in outcome.steps} <= fine


@each_council
def test_it_can_be_shown_before_it_runs(path: Path) -> None:
    session, loaded = _session(path), load_council(path)
    shown = Shown.of(loaded.spec, plan_of(loaded), session.casting)
    drawn = plan_text(shown, UNICODE)
    assert all(f" {step.id} " in drawn for _, step in every_step(loaded.steps.values()))


@each_council
def test_every_agent_of_it_has_a_part_or_a_step_that_was_skipped(path: Path) -> None:
    outcome, loaded = _run(path), load_council(path)
    placed = dict(every_step(loaded.steps.values()))
    asked = {call.agent.partition("#")[0] for call in outcome.calls}
    for step in outcome.steps:
        for inner in within(step):
            if inner.status == "skipped":
                named = placed[place_of(inner.id)].speakers().values()
                asked |= {agent_id(ref) for refs in named for ref in refs}
    standing_by = STANDING_BY.get(path.stem, set())
    assert asked | standing_by == set(_session(path).spec.agents)


@each_council
def test_the_same_run_gives_the_same_answer_in_the_same_time(path: Path) -> None:
    first, second = _run(path), _run(path)
    assert first.answer == second.answer
    assert first.end - first.start == second.end - second.start > 0


@each_council
def test_it_runs_from_the_command_line(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = [] if path.stem in INPUTS else ["Tabs or spaces?"]
    for name, text in INPUTS.get(path.stem, {}).items():
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        given += ["--input", f"{name}=@{file}"]
    if path.stem in ANSWERS:
        file = tmp_path / "answers.yaml"
        file.write_text(yaml.safe_dump(ANSWERS[path.stem]), encoding="utf-8")
        given += ["--answers", str(file)]
    status = invoke(["run", path.stem, *given, "--model", "sim:instant", "--json"])
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["status"] in FINE.get(path.stem, {"ok"})
    assert status == (1 if outcome.get("gate") is False else 0)


AGENTS = sorted((ROOT / "councils" / "agents").glob("*.md"))


def test_the_twelve_agents_are_there() -> None:
    assert {path.stem for path in AGENTS} >= {
        "explorer", "planner", "coder", "reviewer", "security", "performance", "sceptic", "chair",
        "researcher", "editor", "judge", "product-owner",
    }  # fmt: skip


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_an_agent_that_ships_says_who_it_is_and_chooses_no_model(path: Path) -> None:
    read = read_agent(path)
    agent = read.agent
    assert (agent.name, agent.model, agent.temperature) == (path.stem, None, None)
    assert (read.tools, read.warnings) == ((), ())
    assert 40 < len(agent.description) < 110
    assert yaml.safe_load(path.read_text(encoding="utf-8").split("---")[1]), "for other readers too"
    assert agent.role.startswith("You ")
    assert 120 < len(agent.role.split()) < 300, "concise, and no less than it takes"
    assert re.search(r"\b[Dd]o not|\bNo |\bnever\b", agent.role), "what it refrains from"


@pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
def test_an_agent_that_ships_runs_by_its_name(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(
        "konseho: 1\nname: one\ntask: Look at this.\n"
        f"agents: {{a: {{from: {path.stem}}}}}\nsteps: [{{kind: ask, agent: a}}]\n"
    )
    assert _run(file).status == "ok"


@each_council
def test_it_names_only_agents_that_ship(path: Path) -> None:
    document = _document(path)["agents"]
    named = {agent["from"] for agent in document.values() if "from" in agent}
    assert named <= {agent.stem for agent in AGENTS}


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


def test_an_approved_draft_needs_no_word_about_changes() -> None:
    path = ROOT / "councils" / "human-approval.yaml"
    loaded = load_council(path)
    desk = Answering(lambda question: "approve")
    session = Session(
        loaded, RunOptions(task="t", wishes=Wishes(model="sim")), {}, desk=lambda: desk
    )
    outcome = run_virtual(lambda loop: session.run())
    assert outcome.status == "ok"
    assert outcome.step("changes").status == "skipped"


def test_nobody_approves_where_nobody_is_there() -> None:
    loaded = load_council(ROOT / "councils" / "human-approval.yaml")
    with pytest.raises(UsageError, match="asks a person"):
        Session(loaded, RunOptions(task="t", wishes=Wishes(model="sim")), {})


def test_a_panel_counts_its_scores_itself() -> None:
    outcome = _run(ROOT / "councils" / "judge-panel.yaml")
    scores = outcome.step("scores").value.values()
    for name in ("correct", "complete", "clear"):
        mean = sum(each[name] for each in scores) / len(scores)
        assert outcome.answer[name] == pytest.approx(mean, abs=0.005)
    assert outcome.answer["passes"] is outcome.gate


def test_each_of_the_second_layer_sees_all_of_the_first_and_the_last_sees_the_second() -> None:
    outcome = _run(ROOT / "councils" / "mixture-of-agents.yaml")
    first, second = outcome.step("proposals").value, outcome.step("layer").value
    assert (len(first), len(second), len(outcome.calls)) == (4, 3, 8)


def test_a_draft_is_revised_until_it_is_approved_or_the_rounds_are_over() -> None:
    outcome = _run(ROOT / "councils" / "refine-until-approved.yaml")
    polish = outcome.step("polish")
    assert outcome.answer == polish.details["rounds"][-1]["version"]
    assert polish.value["approved"] is (outcome.status == "ok")
    assert polish.value["rounds"] == len(polish.details["rounds"]) <= 4
