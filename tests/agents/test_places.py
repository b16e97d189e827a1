"""Where agents are looked for: the project's folders, the user's, the ones that ship."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from konseho_cli.agents.places import Place, is_trusted, places, user_folders
from konseho_cli.core.files import shipped

BUILT_IN = shipped("councils") / "agents"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a project in it, whose councils have a folder of their own."""
    home = tmp_path.resolve() / "ann"
    (home / "project" / "councils").mkdir(parents=True)
    return home


def looked(folder: Path, home: Path, **env: str) -> list[str]:
    """All places, shortened."""
    found = places(folder, {"HOME": str(home), **env})
    return [
        f"{place.level}: {str(place.folder).replace(str(home), '~')}"
        for place in found
        if place.level != "built-in"
    ]


USERS = ["user: ~/.config/konseho/agents", "user: ~/.claude/agents"]


def test_the_projects_folders_come_first_then_the_users_then_what_ships(home: Path) -> None:
    (home / "project" / ".git").mkdir()
    folder = home / "project" / "councils"
    assert looked(folder, home) == [
        "project: ~/project/councils/agents",
        "project: ~/project/councils/.claude/agents",
        "project: ~/project/agents",
        "project: ~/project/.claude/agents",
        *USERS,
    ]
    assert places(folder, {})[-1].folder == BUILT_IN


def test_without_git_the_nearest_claude_folder_is_the_projects_root(home: Path) -> None:
    (home / "project" / ".claude").mkdir()
    assert len(looked(home / "project" / "councils", home)) == 6


def test_without_either_only_the_councils_own_folder_counts(home: Path) -> None:
    assert looked(home / "project", home) == [
        "project: ~/project/agents", "project: ~/project/.claude/agents", *USERS,
    ]  # fmt: skip


def test_a_home_under_git_is_no_project(home: Path) -> None:
    (home / ".git").mkdir()
    (home / ".claude").mkdir()
    assert len(looked(home / "project", home)) == 4


def test_the_users_own_folder_stays_the_users_where_the_council_lies_in_the_home(
    home: Path,
) -> None:
    (home / ".claude" / "agents").mkdir(parents=True)
    assert looked(home, home) == ["project: ~/agents", *USERS]


def test_the_environment_may_name_other_folders(home: Path) -> None:
    env = {"XDG_CONFIG_HOME": "/settings", "CLAUDE_CONFIG_DIR": "/claude", "HOME": str(home)}
    assert user_folders(env) == (Path("/settings/konseho/agents"), Path("/claude/agents"))
    assert user_folders({}) == ()


def test_a_council_that_ships_sees_only_what_ships(home: Path) -> None:
    found = places(shipped("councils"), {"HOME": str(home)})
    assert [(place.level, place.folder) for place in found] == [("built-in", BUILT_IN)]


def test_a_folder_above_that_others_can_write_is_not_trusted(home: Path) -> None:
    folder = home / "agents"
    folder.mkdir()
    mine = Place(level="project", folder=folder)
    above = Place(level="project", folder=folder, above=True)
    assert is_trusted(above)
    folder.chmod(0o777)
    assert is_trusted(mine)
    assert not is_trusted(above)


def given_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's from now on, as far as anybody asks: only root could really give it away."""
    really = os.stat

    def stat(path, *more, **flags):
        found = really(path, *more, **flags)
        if os.fspath(path) != os.fspath(folder):
            return found
        return os.stat_result((*found[:4], 12345, 12345, *found[6:10]))

    monkeypatch.setattr(os, "stat", stat)


def test_a_folder_above_that_is_a_strangers_is_not_trusted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "agents"
    folder.mkdir()
    given_away(folder, monkeypatch)
    assert not is_trusted(Place(level="project", folder=folder, within=home, above=True))


def test_a_strangers_git_folder_makes_no_project(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "project" / ".git").mkdir()
    given_away(home / "project", monkeypatch)
    assert len(looked(home / "project" / "councils", home)) == 4
