"""What files of agents said, kept on disk for the next process: names, never roles.

Derived, so it may be lost at any moment: whatever is wrong with it, it is made anew.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from konseho_cli.agents.glance import Glance
from konseho_cli.core.errors import KonsehoError
from konseho_cli.core.files import atomically
from konseho_cli.core.freshness import State
from konseho_cli.store.home import find_home, is_ours
from konseho_cli.version import __version__

NAME = "agents.index"
MOST_KEPT = 50_000
"""Files of all folders together; those of other projects go first."""
_MOST_BYTES = 32 << 20


class Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a file said, and what it was like then."""

    state: State
    settled: bool
    """Whether an equal state means an equal content."""
    checksum: bytes
    """Of the front matter."""
    glance: Glance


Folder = dict[str, Known]
"""By path."""


class _File(msgspec.Struct, frozen=True, array_like=True):
    version: str
    """Of Konseho: another one may read front matter otherwise."""
    folders: dict[str, Folder]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_File)


def index_file(env: Mapping[str, str], folder: Path) -> Path | None:
    """Where it is kept: in a `.konseho/` that is there already. None: there is no such home."""
    try:
        home = find_home(env, folder)
        return home / NAME if home.is_dir() else None
    except (KonsehoError, OSError):
        return None


def read_index(file: Path | None) -> dict[str, Folder]:
    """By folder; empty where there is none that can be believed."""
    if file is None:
        return {}
    try:
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(file, os.O_RDONLY | flags)
        with os.fdopen(handle, "rb") as opened:
            found = os.fstat(handle)
            if not (stat.S_ISREG(found.st_mode) and is_ours(found)) or found.st_size > _MOST_BYTES:
                return {}
            kept = _DECODER.decode(opened.read(_MOST_BYTES))
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return {}
    return kept.folders if kept.version == __version__ else {}


def write_index(file: Path, folders: Mapping[str, Folder], others: Mapping[str, Folder]) -> None:
    """Keep `folders`, and of `others` what there is room for. That it cannot be is no error."""
    room = MOST_KEPT - sum(map(len, folders.values()))
    kept = dict(folders)
    for name, folder in others.items():
        room -= len(folder)
        if name not in kept and room >= 0 and os.path.isdir(name):
            kept[name] = folder
    with suppress(OSError), atomically(file, private=True) as opened:
        opened.buffer.write(_ENCODER.encode(_File(__version__, kept)))
