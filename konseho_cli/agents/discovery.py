"""The agents of a folder, broken ones included: their front matter alone is read, and only once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from konseho_cli.agents.glance import Glance, glance, read_head
from konseho_cli.agents.index import Folder, Known, read_index, write_index
from konseho_cli.agents.places import Level, Place
from konseho_cli.agents.scan import Seen, scan
from konseho_cli.core.freshness import checksum, is_settled

WORTH_KEEPING = 50
"""Files from which on an index is quicker than reading them."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """An agent that can be named, or the reason why it cannot."""

    name: str
    level: Level
    file: str
    """Absolute, links followed."""
    description: str
    model: str | None
    """None: the council's."""
    problem: str = ""
    """Why it cannot be used."""
    line: int | None = None
    """Where in the file that is."""

    @property
    def key(self) -> str:
        """What names are compared by: of two that differ in case only, one shadows the other."""
        return self.name.casefold()


def stem_of(path: str) -> str:
    """What a file's agent is called that says no name: `agents/critic.md` is `critic`."""
    return os.path.splitext(os.path.basename(path))[0]


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, the first of each name first."""

    agents: tuple[Found, ...]
    problems: tuple[tuple[Path, str], ...] = ()
    """Of folders that could not be looked at, or not all of them."""


def discover(places: Sequence[Place], index: Path | None, now_ns: Callable[[], int]) -> Discovered:
    """Look into places, the nearest first; `index`: the file that it is kept in, or None.

    `now_ns` is the wall clock, in nanoseconds since 1970. Raises nothing.
    """
    kept: Mapping[str, Folder] | None = None
    agents: list[Found] = []
    problems: list[tuple[Path, str]] = []
    new: dict[str, Folder] = {}
    changed = False
    for place in places:
        scanned = scan(place)
        if scanned.problem:
            problems.append((place.folder, scanned.problem))
        if not scanned.files:
            continue
        worth = index is not None and len(scanned.files) >= WORTH_KEEPING
        if worth and kept is None:
            kept = read_index(index)
        name = str(place.folder)
        before = kept.get(name, {}) if worth and kept is not None else {}
        known = _known(scanned.files, before, now_ns)
        if worth:
            new[name] = known
            changed = changed or known != before
        agents.extend(_agents(place.level, scanned.files, known))
    if changed and index is not None:
        write_index(index, new, kept or {})
    return Discovered(agents=tuple(agents), problems=tuple(problems))


def _known(files: Sequence[Seen], before: Folder, now_ns: Callable[[], int]) -> Folder:
    """What each file says, read only where it is not known from before."""
    known: Folder = {}
    for seen in files:
        if seen.problem:
            continue
        entry = before.get(seen.path)
        if entry is None or not entry.settled or entry.state != seen.state:
            entry = _read(seen, entry, now_ns)
        known[seen.path] = entry
    return known


def _read(seen: Seen, before: Known | None, now_ns: Callable[[], int]) -> Known:
    now = now_ns()  # the state was taken before: a later change has a later time
    stem = stem_of(seen.path)
    try:
        head = read_head(seen.path)
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
        return Known(seen.state, False, b"", Glance(stem, problem=what))
    found = checksum(head)
    same = before is not None and before.checksum == found
    said = before.glance if same and before else glance(head, stem)
    return Known(seen.state, is_settled(seen.state, now), found, said)


def _agents(level: Level, files: Sequence[Seen], known: Folder) -> Iterator[Found]:
    first: dict[str, str] = {}
    for seen in files:
        said = known[seen.path].glance if not seen.problem else _refused(seen)
        if not said.name:
            continue
        found = Found(
            said.name, level, seen.path, said.description, said.model, said.problem, said.line
        )
        other = first.setdefault(found.key, seen.path)
        if other != seen.path and not said.problem:
            what = f"{os.path.relpath(other, os.path.dirname(seen.path))} has that name, and counts"
            found = msgspec.structs.replace(found, problem=what)
        yield found


def _refused(seen: Seen) -> Glance:
    return Glance(stem_of(seen.path), problem=seen.problem)
