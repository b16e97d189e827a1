"""Whether what was read of a file still holds, by its state alone or by its checksum.

A file can change twice within one tick of its file system's clock, and keep its size. So, as git
does with its index, a state is trusted only where the file's last change was over well before it
was read; until then the content decides.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

State: TypeAlias = tuple[int, int, int, int]
"""Of a file: when its content and when its entry changed (nanoseconds), its size, its number."""

_SETTLED_NS = 2_000_000_000
"""How old a file's change must be before its time says that there was no other since: file systems
count in steps of up to two seconds."""


def state_of(found: os.stat_result) -> State:
    """Taken before the content is read, so that a change after it is noticed."""
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def is_settled(state: Sequence[int], now_ns: int) -> bool:
    """Whether an equal state later means an equal content; `now_ns`: nanoseconds since 1970.

    `state`: as above, with whatever else tells files apart behind it.
    """
    return now_ns - max(state[:2]) > _SETTLED_NS


def checksum(content: bytes) -> bytes:
    """16 bytes."""
    return blake2b(content, digest_size=16).digest()
