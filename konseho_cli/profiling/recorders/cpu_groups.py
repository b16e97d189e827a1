"""Which part of the house a function belongs to: one table, in which each module is once."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path

WAITING = "waiting"
IMPORTS = "imports"
PYTHON = "python"
OTHER = "other code"

CONTEXT = "context serialization"
EVENTS = "event emission"
COORDINATION = "coordination"
HISTORY = "history"
CASSETTE = "cassette"
SIMULATOR = "simulator"

TABLE: Mapping[str, str] = {
    "__init__": "konseho", "__main__": "konseho", "entry": "konseho", "version": "konseho",
    "cli": "cli",
    "report": "report",
    "bench": "bench",
    "profiling": "profiling",
    "council": "session",
    "resuming": "session",
    "session": "session",
    "engine": "engine",
    "engine.asking": COORDINATION,
    "engine.emitting": EVENTS,
    "engine.executor": COORDINATION,
    "engine.gathering": COORDINATION,
    "engine.held": CONTEXT,
    "engine.history": HISTORY,
    "engine.holding": CONTEXT,
    "engine.keeping": HISTORY,
    "engine.past": HISTORY,
    "engine.remembered": CONTEXT,
    "engine.stepping": COORDINATION,
    "engine.storing": HISTORY,
    "spec": "spec",
    "steps": "steps",
    "agents": "agents",
    "models": "models",
    "models.cassette": HISTORY,
    "models.cassette_file": CASSETTE,
    "models.playback": CASSETTE,
    "models.recording": CASSETTE,
    "models.sim": SIMULATOR,
    "models.sim_document": SIMULATOR,
    "models.tape": CASSETTE,
    "context": CONTEXT,
    "store": HISTORY,
    "telemetry": "telemetry",
    "telemetry.bus": EVENTS,
    "telemetry.event_file": EVENTS,
    "telemetry.events": EVENTS,
    "telemetry.queued": EVENTS,
    "core": "core",
    "core.fair_queue": COORDINATION,
    "core.group": COORDINATION,
    "core.packing": CONTEXT,
    "core.slots": COORDINATION,
}  # fmt: skip
"""Of a floor, or of one module of it: the longer name decides."""

_PACKAGE = Path(__file__).resolve().parents[2]
_STANDARD = tuple({Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")})
_INSTALLED = re.compile(r"(?:^|[/\\])(?:site|dist)-packages[/\\]([^/\\]+)")
_LOOP = ("asyncio", "selectors.py")
"""Of the standard library: Python's event loop is a library of its own to us."""
_WAITS = re.compile(
    r"method '?(?:poll|control)'? of 'select\.|select\.(?:select|poll)|time\.sleep"
    r"|method '(?:acquire|__enter__)' of '_thread\.(?:lock|RLock)'"
    r"|method 'get' of '_queue\.|waitpid|_thread\.(?:lock|RLock)\.acquire"
)


def is_built_in(file: str) -> bool:
    """Whether a function is C, for which cProfile knows no file."""
    return file == "~"


def waits(name: str) -> bool:
    """Whether a function of C does nothing but wait."""
    return _WAITS.search(name) is not None


@cache
def group_of(file: str) -> str:
    """The group of a function that is written in Python, by its file."""
    if file.startswith("<frozen importlib"):
        return IMPORTS
    if file.startswith("<"):
        return PYTHON
    path = Path(file)
    if (module := _own(path)) is not None:
        return group_of_module(module)
    installed = _INSTALLED.search(file)
    if installed is not None:
        return installed[1].removesuffix(".py")
    inside = _beneath(path, _STANDARD)
    if inside is None:
        return OTHER
    return "asyncio" if inside.parts[0] in _LOOP else PYTHON


def group_of_module(module: str) -> str:
    """Of one of ours: `engine.executor`. Raises KeyError for one that the table does not know."""
    while module not in TABLE:
        module, dot, _ = module.rpartition(".")
        if not dot:
            raise KeyError(module)
    return TABLE[module]


def shown(file: str) -> str:
    """The file as people read it."""
    if is_built_in(file):
        return ""
    path = Path(file)
    inside = _beneath(path, (_PACKAGE.parent,)) if _own(path) is not None else None
    if inside is not None:
        return inside.as_posix()
    installed = _INSTALLED.search(file)
    if installed is not None:
        return Path(file[installed.start(1) :]).as_posix()
    inside = _beneath(path, _STANDARD)
    return path.as_posix() if inside is None else inside.as_posix()


def _own(path: Path) -> str | None:
    inside = _beneath(path, (_PACKAGE,))
    return None if inside is None else ".".join(inside.with_suffix("").parts)


def _beneath(path: Path, folders: tuple[Path, ...]) -> Path | None:
    return next((path.relative_to(each) for each in folders if path.is_relative_to(each)), None)
