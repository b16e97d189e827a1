"""What `konseho doctor` looks at of the store: where it is, whether it can be used, how it is."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.units import show_size
from konseho_cli.report.doctor import Finding
from konseho_cli.report.text import plural
from konseho_cli.store import upkeep
from konseho_cli.store.home import NAME, find_home
from konseho_cli.store.location import VARIABLE, locate

_GROUP = "Store"
LITTLE = 200 * 2**20
"""Bytes of free room below which a long run may not fit."""
_ELSEWHERE = "KONSEHO_HOME or KONSEHO_STORE names another place; --no-store keeps nothing"


def examine_store(env: Mapping[str, str]) -> Iterator[Finding]:
    """Nothing is made, and nothing is changed."""
    try:
        file = locate(env)
    except KonsehoError as error:
        yield _broken("place", str(error), error.hint)
        return
    folder = _nearest(file.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield _broken("place", f"{folder} cannot be written to", _ELSEWHERE)
    elif not file.exists():
        yield Finding(
            group=_GROUP, name="place", state="absent", said=f"{file}: the first run makes it"
        )  # fmt: skip
    else:
        yield from _there(file, _opened_up(file, env))
    free = shutil.disk_usage(folder).free
    yield Finding(
        group=_GROUP, name="room", state="ok" if free > LITTLE else "warning",
        said=f"{show_size(free)} free",
        mend=None if free > LITTLE else "konseho runs rm --keep 30d; konseho store vacuum",
    )  # fmt: skip


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def _opened_up(file: Path, env: Mapping[str, str]) -> str | None:
    """What shuts others out, where they can look into it: of a folder of others', only the file."""
    home = file.parent.name == NAME or (not env.get(VARIABLE) and file.parent == find_home(env))
    place = file.parent if home else file
    if not stat.S_IMODE(place.stat().st_mode) & 0o077:
        return None
    return f"chmod {700 if home else 600} {shlex.quote(str(place))}"


def _there(file: Path, mend: str | None) -> Iterator[Finding]:
    if not os.access(file, os.R_OK | os.W_OK):
        yield _broken("place", f"{file} cannot be written to", _ELSEWHERE)
        return
    yield Finding(
        group=_GROUP, name="place", state="warning" if mend else "ok",
        said=f"{file}{', which others may look into' if mend else ''}",
        mend=f"{mend}: prompts and answers are private" if mend else None,
    )  # fmt: skip
    try:
        health = upkeep.check(file)
    except KonsehoError as error:
        yield _broken("health", str(error), error.hint)
        return
    runs = next((table.rows for table in health.tables if table.name == "runs"), None)
    said = f"{show_size(health.size)}, {plural(runs or 0, 'run')}"
    if health.problems:
        more = f"{said}; {plural(len(health.problems), 'problem')}, the first: {health.problems[0]}"
        yield _broken("health", more, f"konseho store check shows all; or move {file} away")
        return
    yield Finding(group=_GROUP, name="health", said=f"{said}, no problem in it")


def _broken(name: str, said: str, mend: str | None) -> Finding:
    return Finding(group=_GROUP, name=name, state="error", said=said, mend=mend)
