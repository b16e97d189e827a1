"""The Markdown files of a folder and of those below: one listing each, nothing opened."""

from __future__ import annotations

import os
import stat
from operator import attrgetter
from pathlib import Path

import msgspec

from konseho_cli.agents.places import Place, is_trusted
from konseho_cli.core.freshness import State, state_of
from konseho_cli.core.source import MAX_SOURCE
from konseho_cli.core.units import show_size

MOST_FILES = 10_000
MOST_DEEP = 8
"""Folders inside each other."""
_PASSED_OVER = frozenset({"node_modules", "__pycache__"})


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A file that may be an agent's."""

    path: str
    """Absolute, links followed."""
    state: State
    problem: str = ""
    """Why it is not to be read."""


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds."""

    files: tuple[Seen, ...] = ()
    """By depth, then by name: of two with one name, the first counts."""
    problem: str = ""
    """Why it holds nothing, or not all of it was looked at."""


def scan(place: Place) -> Scan:
    """List a place; one that is not there is empty. Raises nothing."""
    root = os.path.realpath(place.folder)
    try:
        if not os.path.isdir(root):
            return Scan()
        if place.within is not None and not Path(root).is_relative_to(place.within):
            return Scan(problem="it is a link that leads out of the project")
        if not is_trusted(place):
            return Scan(problem="others can write there, or it is somebody else's")
    except OSError as error:
        return Scan(problem=f"it cannot be read: {error.strerror}")
    found: dict[str, Seen] = {}
    problem = _fill(found, root, anywhere=place.level == "user")
    return Scan(files=tuple(found.values()), problem=problem)


def _fill(found: dict[str, Seen], root: str, *, anywhere: bool) -> str:
    """By path, the nearest to the root first; what was not looked at."""
    problem = ""
    folders = [(0, root)]
    for depth, folder in folders:
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=attrgetter("name"))
        except OSError as error:
            problem = problem or f"{os.path.relpath(folder, root)} cannot be read: {error.strerror}"
            continue
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if name.endswith((".md", ".MD")):
                seen = _seen(entry, root, anywhere)
                if seen is not None:
                    found.setdefault(seen.path, seen)
                if len(found) == MOST_FILES:
                    return f"the first {MOST_FILES:,} files were looked at, and no more"
            elif entry.is_dir(follow_symlinks=False) and name not in _PASSED_OVER:
                if depth < MOST_DEEP:
                    folders.append((depth + 1, entry.path))
                else:
                    problem = problem or f"folders more than {MOST_DEEP} deep were not looked at"
    return problem


def _seen(entry: os.DirEntry[str], root: str, anywhere: bool) -> Seen | None:
    """The file behind an entry; None where it is a folder."""
    path = entry.path
    try:
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_SOURCE:  # nearly always
            return Seen(path, state_of(found))
        if is_link := stat.S_ISLNK(found.st_mode):
            path = os.path.realpath(path)
            found = os.stat(path)
    except OSError as error:
        return Seen(entry.path, (0, 0, 0, 0), f"it cannot be read: {error.strerror}")
    if stat.S_ISDIR(found.st_mode):
        return None
    state = state_of(found)
    if is_link and not anywhere and not path.startswith(root + os.sep):
        return Seen(entry.path, state, "it is a link that leads out of the folder")
    if not stat.S_ISREG(found.st_mode):
        return Seen(path, state, "it is no regular file")
    if found.st_size > MAX_SOURCE:
        return Seen(path, state, f"it is larger than {show_size(MAX_SOURCE)}")
    return Seen(path, state)
