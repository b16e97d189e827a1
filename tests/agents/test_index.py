"""The index is derived: whatever is wrong with it, it is as if it were not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.agents import index as module
from konseho_cli.agents.glance import Glance
from konseho_cli.agents.index import Folder, Known, index_file, read_index, write_index


def folder(count: int) -> Folder:
    return {
        f"/x/{number}.md": Known((1, 2, 3, number), True, b"sum", Glance(f"a{number}", "about"))
        for number in range(count)
    }


def test_what_is_written_is_read_again_and_is_for_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "agents.index"
    write_index(file, {str(tmp_path): folder(3)}, {})
    assert read_index(file) == {str(tmp_path): folder(3)}
    assert file.stat().st_mode & 0o777 == 0o600


def test_other_projects_stay_while_there_is_room_and_their_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, others = tmp_path / "agents.index", ["one", "two"]
    for name in others:
        (tmp_path / name).mkdir()
    before = {str(tmp_path / name): folder(2) for name in (*others, "gone")}
    write_index(file, {"/new": folder(1)}, before)
    assert set(read_index(file)) == {"/new", *(str(tmp_path / name) for name in others)}
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    write_index(file, {"/new": folder(1)}, before)
    assert set(read_index(file)) == {"/new", str(tmp_path / "one")}


def test_an_index_of_another_version_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "agents.index"
    write_index(file, {str(tmp_path): folder(1)}, {})
    monkeypatch.setattr(module, "__version__", "another")
    assert read_index(file) == {}


@settings(deadline=None)
@given(st.integers(0, 400), st.binary(max_size=20))
def test_a_damaged_one_is_none_or_what_it_was(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.index"
    write_index(file, {"/x": folder(5)}, {})
    content = bytearray(file.read_bytes())
    content[at : at + len(noise)] = noise
    file.write_bytes(content)
    for name, known in read_index(file).items():
        assert isinstance(name, str)
        assert all(isinstance(each, Known) for each in known.values())


def test_what_others_could_have_written_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "agents.index"
    write_index(file, {str(tmp_path): folder(1)}, {})
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_index(link) == {}
    file.chmod(0o666)
    assert read_index(file) == {}


def test_that_it_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    write_index(tmp_path / "nowhere" / "agents.index", {"/x": folder(1)}, {})
    assert read_index(tmp_path / "nowhere" / "agents.index") == read_index(None) == {}
    os.mkdir(tmp_path / "folder")
    assert read_index(tmp_path / "folder") == {}


def test_it_lives_in_a_home_that_is_there_and_makes_none(tmp_path: Path) -> None:
    env = {"KONSEHO_HOME": str(tmp_path / ".konseho")}
    assert index_file(env, tmp_path) is None
    (tmp_path / ".konseho").mkdir()
    assert index_file(env, tmp_path) == tmp_path / ".konseho" / "agents.index"
    assert index_file({"KONSEHO_HOME": "~nobody-at-all/x"}, tmp_path) is None
