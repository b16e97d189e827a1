from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.location import locate, make_room


def test_what_is_stated_comes_before_the_environment_and_that_before_the_home(
    tmp_path: Path,
) -> None:
    env = {"KONSEHO_STORE": f" {tmp_path / 'b.db'} ", "KONSEHO_HOME": str(tmp_path / "home")}
    assert locate(env, tmp_path / "a.db") == tmp_path / "a.db"
    assert locate(env) == tmp_path / "b.db"
    assert locate({**env, "KONSEHO_STORE": ""}) == tmp_path / "home" / "konseho.db"
    assert locate({}, start=tmp_path) == tmp_path.resolve() / ".konseho" / "konseho.db"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file_and_the_hint_names_one(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="is a folder") as caught:
        locate({}, tmp_path)
    assert str(tmp_path / "konseho.db") in str(caught.value.hint)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreFailed, match="pipe is no file"):
        locate({"KONSEHO_STORE": str(tmp_path / "pipe")})


@pytest.mark.parametrize("name", ["missing/a.db", "file/a.db"])
def test_its_folder_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="there is no folder"):
        locate({}, tmp_path / name)


def test_somebodys_home_that_nobody_knows_is_an_error_of_ours() -> None:
    with pytest.raises(StoreFailed, match="nobody-at-all"):
        locate({"KONSEHO_STORE": "~nobody-at-all/a.db"})


def test_only_our_own_folder_is_made(tmp_path: Path) -> None:
    inside = tmp_path / ".konseho" / "other.db"
    assert locate({}, inside) == inside
    make_room(inside)
    assert stat.S_IMODE(inside.parent.stat().st_mode) == 0o700
    make_room(tmp_path / "no" / "a.db")
    assert not (tmp_path / "no").exists()
