"""What counts as an agent's file, and what is listed with a reason instead."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from konseho_cli.agents import scan as module
from konseho_cli.agents.places import Level, Place
from konseho_cli.agents.scan import Scan, scan
from konseho_cli.core.source import MAX_SOURCE


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "agents"
    folder.mkdir()
    return folder


def scanned(folder: Path, level: Level = "project", within: Path | None = None) -> Scan:
    return scan(Place(level=level, folder=folder, within=within))


def names(found: Scan, folder: Path) -> list[str]:
    return [os.path.relpath(seen.path, folder) for seen in found.files if not seen.problem]


def reasons(found: Scan) -> dict[str, str]:
    return {os.path.basename(seen.path): seen.problem for seen in found.files if seen.problem}


def test_markdown_files_are_found_in_folders_too_the_nearest_and_then_by_name(
    agents: Path,
) -> None:
    for name in ("z.md", "team/a.md", "team/b/c.md", "b.MD", "notes.txt", ".hidden.md",
                 ".git/x.md", "node_modules/y.md"):  # fmt: skip
        (agents / name).parent.mkdir(parents=True, exist_ok=True)
        (agents / name).write_text("role")
    assert names(scanned(agents), agents) == ["b.MD", "z.md", "team/a.md", "team/b/c.md"]


def test_a_folder_that_is_not_there_is_empty(agents: Path) -> None:
    assert scanned(agents / "nowhere") == Scan()
    (agents / "file").write_text("x")
    assert scanned(agents / "file") == Scan()


def test_a_folder_that_is_called_like_a_file_is_none(agents: Path) -> None:
    (agents / "a.md").mkdir()
    (agents / "b.md").symlink_to(agents / "a.md")
    assert scanned(agents).files == ()


def test_what_cannot_be_an_agent_is_listed_with_the_reason(agents: Path) -> None:
    (agents / "huge.md").write_bytes(b"x" * (MAX_SOURCE + 1))
    (agents / "gone.md").symlink_to(agents / "nowhere.md")
    (agents / "loop.md").symlink_to(agents / "loop.md")
    os.mkfifo(agents / "pipe.md")
    (agents / "good.md").write_text("role")
    found = scanned(agents)
    assert names(found, agents) == ["good.md"]
    assert reasons(found) == {
        "huge.md": "it is larger than 1.0 MiB",
        "gone.md": "it cannot be read: No such file or directory",
        "loop.md": "it cannot be read: Too many levels of symbolic links",
        "pipe.md": "it is no regular file",
    }


def test_a_link_that_leads_out_of_a_projects_folder_is_refused(agents: Path) -> None:
    secret = agents.parent / "secret.md"
    secret.write_text("secret")
    (agents / "a.md").symlink_to(secret)
    assert reasons(scanned(agents)) == {"a.md": "it is a link that leads out of the folder"}


def test_a_users_own_links_are_followed(agents: Path) -> None:
    kept = agents.parent / "dotfiles.md"
    kept.write_text("role")
    (agents / "a.md").symlink_to(kept)
    assert [seen.path for seen in scanned(agents, "user").files] == [str(kept)]


def test_a_file_and_a_link_to_it_are_one(agents: Path) -> None:
    (agents / "b.md").write_text("role")
    (agents / "a.md").symlink_to("b.md")
    assert names(scanned(agents), agents) == ["b.md"]


def test_folders_behind_links_are_not_entered(agents: Path) -> None:
    (agents / "team").mkdir()
    (agents / "team" / "a.md").write_text("role")
    (agents / "again").symlink_to(agents)
    assert names(scanned(agents), agents) == ["team/a.md"]


def test_a_projects_folder_may_be_a_link_within_the_project_only(agents: Path) -> None:
    (agents / "a.md").write_text("role")
    project = agents.parent / "project"
    project.mkdir()
    (project / "agents").symlink_to(agents)
    assert len(scanned(project / "agents", within=agents.parent).files) == 1
    refused = scanned(project / "agents", within=project)
    assert (refused.files, refused.problem) == ((), "it is a link that leads out of the project")


def test_there_is_an_end_to_files_and_to_depth(
    agents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = agents
    for _ in range(10):
        deep = deep / "d"
        deep.mkdir()
        (deep / "a.md").write_text("role")
    found = scanned(agents)
    assert (len(found.files), found.problem) == (8, "folders more than 8 deep were not looked at")
    monkeypatch.setattr(module, "MOST_FILES", 3)
    found = scanned(agents)
    assert (len(found.files), found.problem) == (3, "the first 3 files were looked at, and no more")


def test_a_folder_that_cannot_be_read_does_not_stop_the_others(
    agents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (agents / "shut").mkdir()
    really = os.scandir

    def scandir(folder):  # root reads everything
        if Path(folder).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    (agents / "a.md").write_text("role")
    found = scanned(agents)
    assert names(found, agents) == ["a.md"]
    assert found.problem == "shut cannot be read: Permission denied"
