"""Where the recordings of a profile are: `.konseho/profiles/RUN/`, or where somebody says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from konseho_cli.core.errors import StoreFailed, UsageError
from konseho_cli.store.home import find_home, make_home

PROFILES = "profiles"
_NEW = ".new-"


def make_folder(stated: Path | None, env: Mapping[str, str]) -> Path:
    """A new folder that nobody else may look into. Raises UsageError, StoreFailed."""
    if stated is not None:
        return _make(stated)
    home = find_home(env)
    make_home(home)
    profiles = home.absolute() / PROFILES
    try:
        profiles.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=_NEW, dir=profiles))
    except OSError as error:
        raise StoreFailed(f"{profiles} cannot be written: {error.strerror}") from error


def _make(folder: Path) -> Path:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--folder {folder} is not empty", hint="name a new one")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as error:
        raise UsageError(f"--folder {folder} cannot be made: {error.strerror}") from error
    return folder.absolute()


def settle(folder: Path, run: str) -> Path:
    """The folder under the name of its run; one that was named by somebody keeps its name."""
    if not folder.name.startswith(_NEW):
        return folder
    for number in range(1, 1000):
        name = run if number == 1 else f"{run}-{number}"
        target = folder.with_name(name)
        if not target.exists():
            return folder.rename(target)
    return folder


def discard(folder: Path) -> None:
    """Remove a folder in which nothing was recorded, but never one that holds anything else."""
    try:
        for file in folder.iterdir():
            if file.is_file():
                file.unlink()
        folder.rmdir()
    except OSError:
        return
