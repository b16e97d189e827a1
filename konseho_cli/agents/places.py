"""Where agents are looked for by name, in order: the project's, the user's, the ones that ship."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from konseho_cli.core.files import shipped
from konseho_cli.models.config import config_path

Level: TypeAlias = Literal["project", "user", "built-in"]
FOLDER = "agents"
_CLAUDE = ".claude"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One folder of agents, which need not be there."""

    level: Level
    folder: Path
    within: Path | None = None
    """Where the folder must really be, links followed; None: anywhere."""
    above: bool = False
    """Whether it was come upon above the council, so that somebody else may have put it there."""


def places(folder: Path, env: Mapping[str, str]) -> tuple[Place, ...]:
    """For a council in `folder`: the nearest first. A council that ships sees what ships alone."""
    built_in = shipped("councils") / FOLDER
    last = Place(level="built-in", folder=built_in)
    start = Path(os.path.realpath(folder))
    if start.is_relative_to(os.path.realpath(built_in.parent)):
        return (last,)
    users = tuple(Place(level="user", folder=each) for each in user_folders(env))
    taken = {os.path.realpath(place.folder) for place in users}
    found = (place for place in _project(start, env) if str(place.folder) not in taken)
    return (*found, *users, last)


def user_folders(env: Mapping[str, str]) -> tuple[Path, ...]:
    """`konseho/agents` of the user's settings, then the user's subagents of Claude Code."""
    settings = config_path(env)
    claude = env.get("CLAUDE_CONFIG_DIR") or (env.get("HOME") and f"{env['HOME']}/{_CLAUDE}")
    ours = [settings.parent / FOLDER] if settings else []
    return (*ours, *([Path(claude) / FOLDER] if claude else []))


def is_trusted(place: Place) -> bool:
    """Whether no stranger can have written there; asked of folders above the council's alone."""
    if not place.above or not hasattr(os, "getuid"):
        return True
    found, project = os.stat(place.folder), os.stat(place.within or place.folder)
    owners = {0, os.getuid(), project.st_uid}
    return found.st_uid in owners and not found.st_mode & stat.S_IWOTH


def _project(start: Path, env: Mapping[str, str]) -> Iterator[Place]:
    """`agents` and `.claude/agents` of the council's folder and of those above, to the root."""
    root = _root(start, env)
    for folder in (start, *start.parents):
        for each in (folder / FOLDER, folder / _CLAUDE / FOLDER):
            yield Place(level="project", folder=each, within=root, above=folder != start)
        if folder == root:
            return


def _root(start: Path, env: Mapping[str, str]) -> Path:
    """The nearest folder with `.git`, else with `.claude`, below the user's home; else this one."""
    home = Path(os.path.realpath(env["HOME"])) if env.get("HOME") else None
    above: list[Path] = []
    for folder in (start, *start.parents):
        if folder == home or folder == folder.parent:  # a home under git is no project
            break
        above.append(folder)
    for sign in (".git", _CLAUDE):
        for folder in above:
            if os.path.lexists(folder / sign) and _is_mine(folder, start):
                return folder
    return start


def _is_mine(folder: Path, start: Path) -> bool:
    """Whether the project is the council's: `.git` of a stranger in a shared folder makes none."""
    try:
        return os.stat(folder).st_uid == os.stat(start).st_uid
    except OSError:
        return False
