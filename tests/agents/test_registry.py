"""Agents by name: the nearest counts, what is remembered is not believed against the files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.agents.discovery import Found
from konseho_cli.agents.markdown import MarkdownAgent
from konseho_cli.agents.registry import Library, Registry, broken
from konseho_cli.core.errors import InvalidCouncil

LEVELS = ("councils/agents", "councils/.claude/agents", "agents", ".claude/agents",
          "settings/konseho/agents", "claude/agents")  # fmt: skip
"""All places but the last one, the nearest first; the first four are the project's."""


class World:
    """A project and a user's settings below one folder, and a clock."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.project = self.root / "project"
        self.council = self.project / "councils"
        self.council.mkdir(parents=True)
        (self.project / ".git").mkdir()
        self.time = 0.0
        self.registry = Registry(clock=lambda: self.time, now_ns=lambda: 10**19)

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.root), "XDG_CONFIG_HOME": str(self.root / "settings"),
            "CLAUDE_CONFIG_DIR": str(self.root / "claude"),
        }  # fmt: skip

    def write(self, level: str, name: str, role: str = "") -> Path:
        folder = self.root if level.startswith(("settings", "claude/")) else self.project
        file = folder / level / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\nname: {name}\n---\n{role or level}\n", encoding="utf-8")
        return file

    def library(self) -> Library:
        return self.registry.library(self.council, self.env)

    def agent(self, name: str) -> tuple[Found, MarkdownAgent] | Library:
        return self.registry.agent(name, self.council, self.env)

    def role(self, name: str) -> str:
        found = self.agent(name)
        assert isinstance(found, tuple), f"no {name}"
        return found[1].agent.role


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


NAMES = st.sampled_from(["critic", "Critic", "reviewer", "chair", "other"])


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.sampled_from(LEVELS), NAMES.map(str.lower)), max_size=12))
def test_the_nearest_of_a_name_counts_and_shadows_all_others(
    tmp_path_factory: pytest.TempPathFactory, written: set[tuple[str, str]]
) -> None:
    world = World(tmp_path_factory.mktemp("law"))
    try:
        for level, name in written:
            world.write(level, name)
        library = world.library()
        for name in {name for _, name in written}:
            levels = sorted((level for level, each in written if each == name), key=LEVELS.index)
            assert world.role(name.upper()) == levels[0]
            found = library.find(name)
            assert found is not None
            assert found.level == ("project" if LEVELS.index(levels[0]) < 4 else "user")
            ships = name in ("reviewer", "chair")
            assert len(library.others(found)) == len(levels) - 1 + ships
    finally:
        shutil.rmtree(world.root)


def test_what_ships_is_found_where_nobody_shadows_it(world: World) -> None:
    found = world.library().find("reviewer")
    assert found is not None
    assert (found.level, found.problem) == ("built-in", "")


def test_a_minute_long_nothing_is_looked_up_again(world: World) -> None:
    world.write("agents", "critic")
    library = world.library()
    world.write("councils/agents", "critic")
    world.time = 59
    assert world.library() is library
    assert world.role("critic") == "agents"
    world.time = 61
    assert world.role("critic") == "councils/agents"


def test_a_name_that_is_not_remembered_is_looked_up_at_once(world: World) -> None:
    assert isinstance(world.agent("critic"), Library)
    world.write("agents", "critic")
    assert world.role("critic") == "agents"


def test_a_role_that_changed_is_never_an_old_one(world: World) -> None:
    world.write("agents", "critic", "You look.")
    assert world.role("critic") == "You look."
    world.write("agents", "critic", "You talk.")
    assert world.role("critic") == "You talk."


def test_a_file_that_is_gone_or_called_otherwise_is_looked_for_again(world: World) -> None:
    near, far = world.write("councils/agents", "critic"), world.write("agents", "critic")
    assert world.role("critic") == "councils/agents"
    near.write_text("---\nname: other\n---\nI am another.\n")
    assert world.role("critic") == "agents"
    far.unlink()
    assert isinstance(world.agent("critic"), Library)


def test_a_broken_one_is_no_reason_to_take_the_next_one_of_that_name(world: World) -> None:
    world.write("agents", "reviewer").write_text("---\nname: reviewer\nweight: none\n---\n")
    found = world.library().find("reviewer")
    assert found is not None
    assert broken(found).line == 3
    with pytest.raises(InvalidCouncil, match="expected a number above 0"):
        world.agent("reviewer")


def test_a_link_out_of_the_project_is_refused_when_it_is_named(world: World) -> None:
    secret = world.root / "secret.md"
    secret.write_text("secret")
    (world.project / "agents").mkdir()
    (world.project / "agents" / "critic.md").symlink_to(secret)
    with pytest.raises(InvalidCouncil, match="leads out of the folder"):
        world.agent("critic")


def test_where_it_was_looked_is_told_as_people_write_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.project)
    world.write("agents", "a"), world.write("claude/agents", "b")
    monkeypatch.setenv("HOME", str(world.root))
    assert world.library().looked_in == ("agents", "~/claude/agents", "those that ship")


def test_an_index_is_kept_where_there_is_a_home(world: World) -> None:
    (world.council / ".konseho").mkdir()
    for number in range(60):
        world.write("agents", f"a{number}")
    world.library()
    assert (world.council / ".konseho" / "agents.index").is_file()
