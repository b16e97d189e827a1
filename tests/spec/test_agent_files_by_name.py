"""`from: reviewer`: an agent by its name, in the table and inside of a step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.agents.registry import Registry
from konseho_cli.core.files import shipped
from konseho_cli.spec.load import Loaded, load_council

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]
STEPS = "steps: [{kind: ask, agent: a}]\n"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("konseho_cli.agents.registry._SHARED", Registry())


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    def write(name: str, text: str, where: str = "agents") -> Path:
        file = folder / where / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_an_agent_that_ships_is_found_by_its_name(load: Load) -> None:
    agent = load("agents: {a: {from: product-owner, weight: 2}}\n" + STEPS).spec.agents["a"]
    file = shipped("councils") / "agents" / "product-owner.md"
    assert file.read_text(encoding="utf-8").endswith(f"{agent.role}\n")
    assert (agent.name, agent.weight, agent.from_) == ("product-owner", 2, None)


def test_one_of_the_project_counts_before_it(load: Load, write: Callable[..., Path]) -> None:
    write("team/mine.md", "---\nname: reviewer\n---\nYou are mine.\n")
    assert load("agents: {a: {from: reviewer}}\n" + STEPS).spec.agents["a"].role == "You are mine."


def test_subagents_of_claude_code_are_found(load: Load, write: Callable[..., Path]) -> None:
    write("x.md", "---\nname: code-reviewer\n---\nYou review.\n", ".claude/agents")
    loaded = load("steps: [{kind: ask, agent: {from: code-reviewer}}]\n")
    assert loaded.spec.agents["code_reviewer"].role == "You review."


def test_inside_of_a_step_the_agent_goes_by_its_name(
    load: Load, write: Callable[..., Path]
) -> None:
    write("sharp-eye.md", "You look, and this file has no front matter.\n")
    loaded = load("steps: [{kind: ask, agent: {from: sharp-eye}}]\n")
    assert list(loaded.spec.agents) == ["sharp_eye"]


def test_a_path_goes_on_to_mean_a_path(load: Load, write: Callable[..., Path]) -> None:
    write("reviewer.md", "You are beside me.\n", ".")
    for path in ("reviewer.md", "./reviewer.md"):
        loaded = load(f"agents: {{a: {{from: {path}}}}}\n" + STEPS)
        assert loaded.spec.agents["a"].role == "You are beside me."


def test_an_unknown_name_is_told_with_the_nearest_one_and_where_was_looked(
    said: Said, write: Callable[..., Path]
) -> None:
    write("x.md", "role\n")
    assert said("agents: {a: {from: reviwer}}\n" + STEPS) == [
        "council.yaml:3:20: agents.a.from: no agent is called 'reviwer' in agents or those that "
        "ship (did you mean 'reviewer'?)"
    ]
    assert said("steps:\n  - {kind: ask, agent: {from: zzzzzz}}\n") == [
        "council.yaml:4:31: steps[0].agent.from: no agent is called 'zzzzzz' in agents or those "
        "that ship (`konseho agents list` shows all; a path has a / or ends with .md)"
    ]


def test_an_id_that_nobody_has_but_a_name_that_somebody_has_is_pointed_at(said: Said) -> None:
    assert said("steps: [{kind: ask, agent: product_owner}]\n") == [
        "council.yaml:3:28: steps[0].agent: unknown agent 'product_owner' "
        "(write {from: product-owner} to mean the built-in one)"
    ]


def test_a_file_beside_the_council_is_pointed_at(said: Said, write: Callable[..., Path]) -> None:
    write("critic.md", "You criticise.\n", ".")
    assert said("agents: {a: {from: critic}}\n" + STEPS)[0].endswith(
        "(write critic.md for the file beside the council)"
    )


def test_a_broken_agent_is_told_with_its_own_place(said: Said, write: Callable[..., Path]) -> None:
    write("reviewer.md", "---\nname: reviewer\nweight: none\n---\nrole\n")
    assert said("agents: {a: {from: reviewer}}\n" + STEPS) == [
        'agents/reviewer.md:3:1: weight: expected a number above 0, got "none"'
    ]


def test_a_council_that_ships_is_not_changed_by_the_users_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shipped("councils") / "code-review.yaml"
    before = load_council(file).spec.agents
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    mine = tmp_path / "konseho" / "agents" / "security.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("You approve of everything.\n")
    monkeypatch.setattr("konseho_cli.agents.registry._SHARED", Registry())
    assert load_council(file).spec.agents == before
