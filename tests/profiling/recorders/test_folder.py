"""Where the recordings are."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.recorders.folder import discard, make_folder, settle


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_takes_the_name_of_its_run_once_it_has_one(tmp_path: Path) -> None:
    env = {"KONSEHO_HOME": str(tmp_path / ".konseho")}
    folder = settle(make_folder(None, env), "3fk2")
    assert folder == tmp_path / ".konseho" / "profiles" / "3fk2"
    assert mode(folder) == 0o700
    assert (tmp_path / ".konseho" / ".gitignore").read_text() == "*\n"
    assert settle(make_folder(None, env), "3fk2").name == "3fk2-2"


def test_a_folder_that_somebody_names_is_kept_private_and_keeps_its_name(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a" / "mine", {})
    assert mode(folder) == 0o700
    assert settle(folder, "3fk2") == folder


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(UsageError, match="is not empty"):
        make_folder(tmp_path, {})
    with pytest.raises(UsageError, match="cannot be made"):
        make_folder(tmp_path / "precious" / "x", {})


def test_a_folder_in_which_nothing_was_recorded_goes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "mine", {})
    (folder / "run.job").touch()
    discard(folder)
    assert not folder.exists()
    discard(folder)
