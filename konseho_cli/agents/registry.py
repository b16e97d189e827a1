"""Agents by name: the project's before the user's before those that ship."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from konseho_cli.agents.discovery import Discovered, Found, discover, stem_of
from konseho_cli.agents.index import index_file
from konseho_cli.agents.markdown import MarkdownAgent
from konseho_cli.agents.places import Place, places
from konseho_cli.agents.prompt_cache import shared as prompts
from konseho_cli.core.errors import InvalidCouncil, Problem
from konseho_cli.core.source import shown_path

TTL_S = 60.0
_MOST = 64
"""Libraries that one process keeps."""


class Library:
    """What one council's folder can name."""

    def __init__(self, looked: Sequence[Place], discovered: Discovered) -> None:
        self.places = tuple(looked)
        self.problems = discovered.problems
        self._by_key: dict[str, list[Found]] = {}
        for found in discovered.agents:
            self._by_key.setdefault(found.key, []).append(found)

    def find(self, name: str) -> Found | None:
        """The one that counts, which may be broken; None: nobody is called that."""
        found = self._by_key.get(name.casefold())
        return found[0] if found else None

    def others(self, found: Found) -> tuple[Found, ...]:
        """Of the same name, and not used for it: shadowed, or a second one in the same folder."""
        return tuple(each for each in self._by_key[found.key] if each is not found)

    @property
    def agents(self) -> tuple[Found, ...]:
        """The ones that count, by name."""
        return tuple(self._by_key[key][0] for key in sorted(self._by_key))

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them, as they are written."""
        return tuple(found[0].name for found in self._by_key.values())

    @property
    def looked_in(self) -> tuple[str, ...]:
        """The folders that are there, as messages show them."""
        return tuple(shown_place(place) for place in self.places if os.path.isdir(place.folder))


class Registry:
    """Keeps libraries for a minute; safe in threads.

    `clock` counts seconds, `now_ns` nanoseconds since 1970. Roles come through the shared prompt
    cache, which asks each file whether it changed: only which file a name means can be a minute old.
    """

    def __init__(
        self,
        *,
        ttl_s: float = TTL_S,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._now_ns = now_ns
        self._kept: dict[tuple[Place, ...], tuple[float, Library]] = {}
        self._lock = Lock()

    def library(self, folder: Path, env: Mapping[str, str], *, fresh: bool = False) -> Library:
        """For a council in `folder`. `fresh`: looked up now, whatever is known."""
        looked = places(folder, env)
        now = self._clock()
        with self._lock:
            kept = self._kept.get(looked)
        if kept is not None and not fresh and now - kept[0] < self._ttl_s:
            return kept[1]
        library = Library(looked, discover(looked, index_file(env, folder), self._now_ns))
        with self._lock:
            while len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[looked] = (now, library)
        return library

    def forget(self) -> None:
        """Look everything up anew from now on."""
        with self._lock:
            self._kept.clear()

    def agent(
        self, name: str, folder: Path, env: Mapping[str, str]
    ) -> tuple[Found, MarkdownAgent] | Library:
        """The agent of that name; where there is none, the library that lacks it.

        Raises InvalidCouncil where its file is broken. What is only remembered is not believed
        where the files say otherwise.
        """
        library = self.library(folder, env)
        read = _read(library, name)
        if read is None:
            library = self.library(folder, env, fresh=True)
            read = _read(library, name, last=True)
        return read or library


def _read(library: Library, name: str, *, last: bool = False) -> tuple[Found, MarkdownAgent] | None:
    """None: what the library says is not what there is. Raises InvalidCouncil if that is `last`."""
    found = library.find(name)
    if found is None:
        return None
    try:
        if found.problem and found.line is None:
            raise InvalidCouncil([broken(found)])
        read = prompts().agent(found.file)
    except InvalidCouncil:
        if last:
            raise
        return None
    now_called = read.agent.name or stem_of(found.file)
    return (found, read) if now_called.casefold() == found.key or last else None


def broken(found: Found) -> Problem:
    """What is wrong with one that cannot be used."""
    return Problem(
        path="", message=found.problem, file=shown_path(Path(found.file)), line=found.line
    )


def shown_place(place: Place) -> str:
    """A folder as messages show it."""
    if place.level == "built-in":
        return "those that ship"
    folder, home = shown_path(place.folder), os.path.expanduser("~")
    return f"~{folder[len(home) :]}" if folder.startswith(f"{home}{os.sep}") else folder


_SHARED = Registry()


def shared() -> Registry:
    """The one of this process."""
    return _SHARED
