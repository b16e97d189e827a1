from __future__ import annotations

import stat
from pathlib import Path

import pytest

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.home import NAME, find_home, make_home


def test_the_nearest_folder_upward_is_the_home(tmp_path: Path) -> None:
    (tmp_path / ".konseho").mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_home({}, deep) == tmp_path.resolve() / ".konseho"
    (tmp_path / "a" / ".konseho").mkdir()
    assert find_home({}, deep) == tmp_path.resolve() / "a" / ".konseho"


def test_without_one_it_would_be_here_and_nothing_is_made(tmp_path: Path) -> None:
    assert find_home({}, tmp_path) == tmp_path.resolve() / ".konseho"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_that_name_is_no_home(tmp_path: Path) -> None:
    (tmp_path / ".konseho").write_text("")
    deep = tmp_path / "a"
    deep.mkdir()
    assert find_home({}, deep) == deep.resolve() / ".konseho"


def test_the_environment_names_it_directly(tmp_path: Path) -> None:
    assert find_home({"KONSEHO_HOME": f" {tmp_path} "}) == tmp_path


def test_it_is_made_for_nobody_elses_eyes_and_no_repository(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there" / ".konseho"
    make_home(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / ".gitignore").read_text() == "*\n"


def test_one_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    make_home(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_made_the_error_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="cannot be made") as caught:
        make_home(tmp_path / "file" / ".konseho")
    assert "KONSEHO_HOME" in str(caught.value.hint)


def test_a_folder_that_others_may_write_to_is_passed_over(tmp_path: Path) -> None:
    shared = tmp_path / NAME
    shared.mkdir()
    shared.chmod(0o777)
    below = tmp_path / "project"
    below.mkdir()
    assert find_home({}, below) == below / NAME
    shared.chmod(0o700)
    assert find_home({}, below) == shared


def test_a_home_of_nobody_is_named() -> None:
    with pytest.raises(StoreFailed, match="KONSEHO_HOME=~nobody-at-all/x"):
        find_home({"KONSEHO_HOME": "~nobody-at-all/x"})
