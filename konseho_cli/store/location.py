"""Where the database is: the file that was named, or the one in `.konseho/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from konseho_cli.core.errors import StoreFailed
from konseho_cli.store.home import DATABASE, NAME, find_home, make_home

VARIABLE = "KONSEHO_STORE"


def locate(env: Mapping[str, str], stated: Path | None = None, start: Path | None = None) -> Path:
    """`--store`, else KONSEHO_STORE, else `konseho.db` in the nearest `.konseho/`.

    Makes nothing. Raises StoreFailed for what no file can be at.
    """
    named = stated or env.get(VARIABLE, "").strip()
    if not named:
        return find_home(env, start) / DATABASE
    who = "--store" if stated else VARIABLE
    try:
        path = Path(named).expanduser()
        if path.is_dir():
            raise StoreFailed(
                f"{who} {path} is a folder", hint=f"name a file in it: {path / DATABASE}"
            )
        if path.exists() and not path.is_file():
            raise StoreFailed(f"{who} {path} is no file", hint="name a file")
        if not path.parent.is_dir() and not _is_ours_to_make(path):
            raise StoreFailed(f"{who} {path}: there is no folder {path.parent}", hint="make it")
    except (RuntimeError, ValueError) as error:
        raise StoreFailed(f"{who} {named!r}: {error}") from error
    except OSError as error:
        raise StoreFailed(f"{who} {path}: {error.strerror or error}") from error
    return path


def make_room(path: Path) -> None:
    """Make `.konseho/` around the database, if that is where it is to be. Raises StoreFailed."""
    if _is_ours_to_make(path):
        make_home(path.parent)


def _is_ours_to_make(path: Path) -> bool:
    return path.parent.name == NAME or path.name == DATABASE  # KONSEHO_HOME may have any name
