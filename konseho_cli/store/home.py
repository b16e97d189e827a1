"""`.konseho/`: where a project's runs and answers are kept, found upward like `.git`."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from konseho_cli.core.errors import StoreFailed

NAME = ".konseho"
DATABASE = "konseho.db"


def find_home(env: Mapping[str, str], start: Path | None = None) -> Path:
    """KONSEHO_HOME, or the nearest `.konseho/` from here upward, or where one would be made.

    Makes nothing. `start`: None is the working directory. Raises StoreFailed where that is gone.
    """
    stated = env.get("KONSEHO_HOME", "").strip()
    try:
        if stated:
            return Path(stated).expanduser()
        here = (start or Path.cwd()).resolve()
        places = (folder / NAME for folder in (here, *here.parents))
        return next(
            (place for place in places if place.is_dir() and is_ours(place.stat())), here / NAME
        )
    except RuntimeError as error:
        raise StoreFailed(f"KONSEHO_HOME={stated}: {error}") from error
    except OSError as error:
        raise StoreFailed(f"the working directory cannot be read: {error}") from error


def is_ours(found: os.stat_result) -> bool:
    """Whether nobody else can read what is written there, or write what we would believe."""
    if not hasattr(os, "getuid"):
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def make_home(home: Path) -> None:
    """Make it, for nobody else's eyes and for no repository. Raises StoreFailed."""
    try:
        if home.is_dir():
            return
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        (home / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreFailed(
            f"{home} cannot be made: {error.strerror or error}",
            hint="KONSEHO_HOME names another folder",
        ) from error
