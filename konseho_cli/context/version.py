"""One version of an entry: where its value is at the moment, and how to get at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from konseho_cli.context.difference import difference, restore
from konseho_cli.context.sizes import size_of
from konseho_cli.context.spill import Extent, SpillFile
from konseho_cli.core.packing import expand, pack, squeeze

ABSENT: Any = object()
"""In the place of a value that is not there."""
HOT = 3
"""Reads from which a value counts as one that will be read again."""
_LEVEL = -3
"""zstd's: fast before small, as what is packed here lives no longer than its run."""
_WHOLE_EVERY = 16
"""One version of so many is packed whole, so that none is more than so many steps away."""
_WORTH_IT = 4
"""A difference that is not smaller than this part of the whole is none."""


class Version:
    """A value in memory as it is, in memory packed, or in the file."""

    __slots__ = ("changed", "extent", "gone", "packed", "reads", "size", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        """ABSENT: not in memory as it is."""
        self.packed: bytes | None = None
        self.extent: Extent | None = None
        self.changed = False
        """Whether what is packed or in the file is a difference against the next version."""
        self.size = size_of(value)
        """Bytes in memory, in whatever form; 0: only in the file."""
        self.reads = 0
        self.gone = False
        """Whether the entry was dropped while somebody packed this."""

    @property
    def hot(self) -> bool:
        """Whether it was read often since it was last packed."""
        return self.reads >= HOT


def chain_of(versions: Sequence[Version], number: int) -> list[tuple[Any, bool]]:
    """From a version to the first one that is whole: a value (True), or bytes or an extent."""
    chain: list[tuple[Any, bool]] = []
    for version in versions[number:]:
        # What was read back and is no text may have been changed by whoever holds it.
        if version.value is not ABSENT and (isinstance(version.value, str) or not version.extent):
            chain.append((version.value, True))
            break
        chain.append((version.packed if version.extent is None else version.extent, False))
        if not version.changed:
            break
    return chain


def plain_of(chain: Sequence[tuple[Any, bool]], file: SpillFile) -> bytes:
    """The packed bytes, not compressed. Raises OSError, ValueError."""
    last, as_it_is = chain[-1]
    plain = plain_bytes(last) if as_it_is else expand(_fetched(last, file))
    for change, _ in reversed(chain[:-1]):
        plain = restore(_fetched(change, file), plain)
    return plain


def plain_bytes(value: Any) -> bytes:
    """A value packed and not compressed. Raises ValueError for what is not built in."""
    return pack(value, compress=False)


def _fetched(data: bytes | Extent, file: SpillFile) -> bytes:
    return file.read(data) if isinstance(data, Extent) else data


def may_be_changed(versions: Sequence[Version], number: int) -> bool:
    """Whether a version may be told as a difference against the next one.

    What that one is made of must stay as it is: a list or a mapping that somebody holds may not.
    """
    if number + 1 >= len(versions) or number % _WHOLE_EVERY == _WHOLE_EVERY - 1:
        return False
    after = versions[number + 1]
    return after.value is ABSENT or isinstance(after.value, str)


def packed_against(plain: bytes, base: bytes | None) -> tuple[bytes, bool]:
    """The shortest form, and whether it is a difference against `base`."""
    if base is not None:
        change = difference(plain, base)
        if len(change) * _WORTH_IT <= len(plain):
            return change, True
    return squeeze(plain, level=_LEVEL), False
