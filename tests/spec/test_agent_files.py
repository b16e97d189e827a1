"""Agents' own files: beside the council, never elsewhere, and overridden by what is written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.agents.prompt_cache import shared
from konseho_cli.core.files import shipped
from konseho_cli.spec.load import check_document
from konseho_cli.spec.loaded import Loaded

Load = Callable[[str], Loaded]
Said = Callable[[str], list[str]]
STEPS = "steps: [{kind: ask, agent: a}]\n"


@pytest.fixture
def critic(folder: Path) -> Path:
    """An agent's file beside the council."""
    file = folder / "agents" / "critic.md"
    file.parent.mkdir()
    file.write_text("---\nname: sharp-critic\ntemperature: 0.5\nweight: 2\n---\nYou criticise.\n")
    return file


def test_the_file_gives_the_role_and_the_council_has_the_last_word(
    critic: Path, load: Load
) -> None:
    loaded = load("agents: {a: {from: agents/critic.md, weight: 1}}\n" + STEPS)
    agent = loaded.spec.agents["a"]
    assert (agent.role, agent.temperature, agent.weight) == ("You criticise.", 0.5, 1)
    assert agent.from_ is None


def test_a_file_is_parsed_once_and_again_when_it_changed(critic: Path, load: Load) -> None:
    text = "agents: {a: {from: agents/critic.md}}\n" + STEPS
    load(text)
    before = shared().stats
    assert load(text).spec.agents["a"].role == "You criticise."
    assert (shared().stats.hits, shared().stats.misses) == (before.hits + 1, before.misses)
    critic.write_text("You praise.\n")
    assert load(text).spec.agents["a"].role == "You praise."
    assert shared().stats.misses == before.misses + 1


def test_an_agent_inside_a_step_goes_by_the_files_name(critic: Path, load: Load) -> None:
    loaded = load("steps: [{kind: ask, agent: {from: agents/critic.md}}]\n")
    assert list(loaded.spec.agents) == ["sharp_critic"]
    assert loaded.steps["ask"].speakers() == {"agent": ("sharp_critic",)}


@pytest.mark.parametrize("name", ["../secret.md", "/etc/passwd", "agents/../../x.md"])
def test_a_file_outside_the_councils_folder_is_refused(said: Said, name: str) -> None:
    assert said(f"agents: {{a: {{from: {name}}}}}\n" + STEPS) == [
        f"council.yaml:3:20: agents.a.from: {name} is outside the council's folder "
        "(keep agents beside the council file, or below it)"
    ]


def test_a_link_out_of_the_councils_folder_is_refused(
    folder: Path, said: Said, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.md"
    secret.write_text("secret")
    (folder / "link.md").symlink_to(secret)
    assert "outside the council's folder" in said("agents: {a: {from: link.md}}\n" + STEPS)[0]


@pytest.mark.parametrize("name", ["./.env", "link.md", "agents/../.env"])
def test_no_other_file_of_the_folder_becomes_a_role(folder: Path, said: Said, name: str) -> None:
    """A council of a stranger's must not send what lies beside it to a model of its choice."""
    (folder / ".env").write_text("PASSWORD=1")
    (folder / "link.md").symlink_to(".env")
    found = said(f"agents: {{a: {{from: {name}}}}}\n" + STEPS)
    assert [f"{name} is no file of agents" in each for each in found] == [True]


def test_a_link_to_itself_is_refused(folder: Path, said: Said) -> None:
    (folder / "loop.md").symlink_to("loop.md")
    assert len(said("agents: {a: {from: loop.md}}\n" + STEPS)) == 1


def test_a_shipped_agent_may_be_named_by_its_path(load: Load) -> None:
    file = next((shipped("councils") / "agents").glob("*.md"))
    loaded = load(f"agents: {{a: {{from: '{file}'}}}}\n" + STEPS)
    assert loaded.spec.agents["a"].role


def test_a_missing_file_is_named_with_the_nearest_one(critic: Path, said: Said) -> None:
    assert said("agents: {a: {from: agents/critik.md}}\n" + STEPS) == [
        "council.yaml:3:20: agents.a.from: agents/critik.md does not exist "
        "(did you mean 'critic.md'?)"
    ]


def test_a_folder_is_no_file(critic: Path, said: Said) -> None:
    assert said("agents: {a: {from: agents/}}\n" + STEPS) == [
        "council.yaml:3:20: agents.a.from: agents/ is a folder"
    ]


@pytest.mark.parametrize("name", ['"a\\0b"', "x" * 5000])
def test_a_name_that_no_file_has_is_an_error(said: Said, name: str) -> None:
    assert len(said(f"agents: {{a: {{from: {name}}}}}\n" + STEPS)) == 1


def test_a_mistake_in_the_file_is_placed_in_the_file(critic: Path, said: Said) -> None:
    critic.write_text("---\nname: x\nweight: none\n---\nrole\n")
    assert said("agents: {a: {from: agents/critic.md}}\n" + STEPS) == [
        'agents/critic.md:3:1: weight: expected a number above 0, got "none"'
    ]


def test_an_unknown_model_in_the_file_is_told_at_the_council(critic: Path, said: Said) -> None:
    critic.write_text("---\nmodel: fsat\n---\nrole\n")
    found = said("models: {fast: {use: sim}}\nagents: {a: {from: agents/critic.md}}\n" + STEPS)
    assert found == [
        "council.yaml:4:13: agents.a.model: unknown model 'fsat': it is no key of `models`, "
        "nor provider:model (did you mean 'fast'?)"
    ]


def test_tools_and_unknown_keys_are_warnings(critic: Path, load: Load) -> None:
    critic.write_text("---\ntools: Read, Grep\nmodle: sonnet\n---\nrole\n")
    loaded = load("agents: {a: {from: agents/critic.md}}\n" + STEPS)
    assert [str(each) for each in loaded.warnings] == [
        "agents/critic.md:3:1: modle: unknown key 'modle' (did you mean 'model'?)",
        "council.yaml:3:20: agents.a.from: its tools are not offered to the model (Read, Grep)",
    ]


def test_a_document_made_in_python_reads_files_of_the_given_folder(critic: Path) -> None:
    document = {
        "konseho": 1,
        "name": "x",
        "agents": {"a": {"from": "critic.md"}},
        "steps": [{"kind": "ask", "agent": "a"}],
    }
    assert check_document(document, folder=critic.parent).spec.agents["a"].weight == 2


def test_an_ending_alone_makes_no_file_near(folder: Path, said: Said) -> None:
    (folder / "slow.yaml").touch()
    (told,) = said("steps: [{kind: council, file: nope.yaml}]\n")
    assert told.endswith("nope.yaml does not exist")
