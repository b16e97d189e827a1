from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from konseho_cli.bench.builds import Past, find_commit, unpack_commit

DAY_S = 86400


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(work: Path) -> Past:
    git(work, "add", ".")
    git(work, "commit", "-q", "--allow-empty", "-m", "a change")
    found = find_commit("main", work)
    assert found is not None
    return unpack_commit("main", *found, {})


def test_a_commit_is_all_there_but_for_links_that_lead_out_of_it(work: Path) -> None:
    (work / "here").write_text("here", encoding="utf-8")
    (work / "inside").symlink_to("here")
    (work / "outside").symlink_to("/etc")
    (work / "round").symlink_to("round")
    past = commit(work)
    assert sorted(path.name for path in past.tree.iterdir()) == ["here", "inside"]
    assert [path.name for path in past.tree.parent.iterdir()] == ["tree"]


def test_what_no_release_needs_is_there_too(work: Path) -> None:
    (work / ".gitattributes").write_text("council.yaml export-ignore", encoding="utf-8")
    (work / "council.yaml").write_text("konseho: 1", encoding="utf-8")
    past = commit(work)
    assert past.file(work / "council.yaml").read_text(encoding="utf-8") == "konseho: 1"


def test_what_git_cannot_unpack_leaves_nothing_behind(work: Path) -> None:
    with pytest.raises(Exception, match="git could not read"):
        unpack_commit("gone", "0" * 40, work, {})
    (kept,) = (work / ".konseho" / "builds").iterdir()
    assert list(kept.iterdir()) == []


def test_the_last_few_are_kept_and_so_is_what_may_be_in_use(work: Path) -> None:
    trees = [commit(work).tree for _ in range(7)]
    assert all(tree.is_dir() for tree in trees)
    for tree in trees:
        old = tree.parent.stat().st_mtime - DAY_S
        os.utime(tree.parent, (old, old))
    newest = commit(work).tree
    assert newest.is_dir()
    assert sum(tree.is_dir() for tree in trees) == 4
