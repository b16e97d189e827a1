"""What a run holds: values by key, in memory as long as there is room, and every earlier version.

Nothing is packed before it has to be. From `spill_at` of the limit on, `pressed` is true, and
whoever puts something waits for `settle()` in a thread: the coldest are packed, and what that
leaves above the mark goes to a file. What was read three times is hot and goes last. An earlier
version of an entry is packed as its difference against the next one.

Any thread may use it. No lock is held while something is packed, read or written.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from konseho_cli.context.settings import EARLIER_FROM, LARGE, ContextSettings
from konseho_cli.context.sizes import size_of
from konseho_cli.context.spill import SpillFile
from konseho_cli.context.version import (
    ABSENT,
    Version,
    chain_of,
    may_be_changed,
    packed_against,
    plain_bytes,
    plain_of,
)
from konseho_cli.core.errors import StoreFailed
from konseho_cli.core.memory import give_back
from konseho_cli.core.packing import unpack
from konseho_cli.core.units import show_size

Key: TypeAlias = tuple[str, ...]
"""The step, then whose or what it is: `("review", "part", "ann")`."""

_ROOM = 0.9
"""Of the mark: what is left after settling, so that the next value does not cross it again."""
_GIVEN_BACK = 4 << 20
"""Bytes after whose packing or writing the system gets free memory back."""
_FURTHER = 1.1
"""How much more there must be before settling is tried again where it did not help."""

_Place: TypeAlias = tuple[list[Version], int]


class Entries:
    """Values by key, with their versions. Values are built in; who put one in never changes it."""

    def __init__(self, settings: ContextSettings, folder: Path | None = None) -> None:
        """`folder`: where the file is made if one is needed; None is the system's."""
        limit = settings.memory_limit
        self._threshold = math.inf if limit is None else limit * settings.spill_at
        self._mark = self._threshold
        self._compress = settings.compress
        self._file = SpillFile(folder)
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self._entries: dict[Key, list[Version]] = {}
        self._inside: OrderedDict[Version, _Place] = OrderedDict()
        """Versions that take memory, the coldest first."""
        self._to_pack: list[Version] = []
        self._to_spill: list[Version] = []
        self._earlier = 0
        """Bytes of earlier versions in `_to_pack`."""
        self._released = 0
        """Bytes in `_to_spill`."""
        self._problem = ""
        self.resident = 0
        """Bytes in memory, as far as can be told."""
        self.peak = 0
        """The most that `resident` was."""

    @property
    def spilled(self) -> int:
        """Bytes that the file holds."""
        return self._file.used

    @property
    def warning(self) -> str:
        """Why what should have gone to the file is still in memory; empty where nothing is."""
        return self._problem

    @property
    def pressed(self) -> bool:
        """Whether there is something for `settle()` to do."""
        return bool(
            self.resident > self._mark
            or self._released > LARGE
            or (self._to_pack and (self._compress or self._earlier > EARLIER_FROM))
        )

    # ------------------------------------------------------------------- put and get

    def put(self, key: Key, value: Any) -> int:
        """Keep a value; one that is there becomes its earlier version. Returns the version, from 0."""
        version = Version(value)
        with self._lock:
            versions = self._entries.setdefault(key, [])
            versions.append(version)
            number = len(versions) - 1
            self._inside[version] = versions, number
            self._grow(version.size)
            if self._compress and version.size > LARGE:
                self._to_pack.append(version)
            if number:
                self._age(versions[number - 1])
            return number

    def _age(self, version: Version) -> None:
        """Make a version that has just been replaced the first to go."""
        if version.value is not ABSENT:
            self._to_pack.append(version)
            self._earlier += version.size
            self._inside.move_to_end(version, last=False)

    def peek(self, key: Key, version: int = -1) -> Any:
        """The value if it is in memory as it is, else ABSENT. Raises LookupError."""
        with self._lock:
            found = self._entries[key][version]
            return found.value if found.value is ABSENT else self._read(found).value

    def get(self, key: Key, version: int = -1) -> Any:
        """The value, read from the file if need be; the newest version if none is named.

        Raises LookupError, and StoreFailed where the file cannot be read.
        """
        with self._lock:
            versions = self._entries[key]
            number = range(len(versions))[version]
            found = self._read(versions[number])
            if found.value is not ABSENT:
                return found.value
            chain = chain_of(versions, number)
        try:
            value = unpack(plain_of(chain, self._file))
        except (OSError, ValueError) as error:
            raise StoreFailed(f"what was spilled to a file cannot be read: {error}") from error
        if found.hot:
            self._hold(found, value, (versions, number))
        return value

    def _read(self, version: Version) -> Version:
        version.reads += 1
        if version in self._inside:
            self._inside.move_to_end(version)
        return version

    def _hold(self, version: Version, value: Any, place: _Place) -> None:
        """Keep what was read in memory again; in the file it stays too."""
        versions, number = place
        if not isinstance(value, str) and number and versions[number - 1].changed:
            return  # whoever holds it might change it, and the one before is told by it
        size = size_of(value)
        with self._lock:
            if version.value is ABSENT and not version.gone:
                self._grow(size - version.size)
                version.value, version.packed, version.size = value, None, size
                version.changed = version.changed and version.extent is not None
                self._inside[version] = place

    def versions(self, key: Key) -> int:
        """How many versions there are of an entry; 0: there is none."""
        return len(self._entries.get(key, ()))

    # ------------------------------------------------------------------- let go

    def release(self, keys: Iterable[Key]) -> None:
        """Say that nobody is known to read these again: they leave memory when it is settled.

        That has to be once there are 64 KiB of them: a file for less is not worth its while.
        """
        with self._lock:
            for version in (one for key in keys for one in self._entries.get(key, ())):
                if version.size:
                    self._to_spill.append(version)
                    self._released += version.size

    def drop(self, key: Key) -> None:
        """Forget an entry and its versions, if it is there; nobody may be reading it."""
        with self._lock:
            for version in self._entries.pop(key, ()):
                version.gone = True
                self._leave(version)
                if version.extent is not None:
                    self._file.free(version.extent)

    def _grow(self, size: int) -> None:
        self.resident += size
        self.peak = max(self.peak, self.resident)
        if self.resident <= self._threshold:
            self._mark = self._threshold

    # ------------------------------------------------------------------- settle

    def settle(self) -> None:
        """Pack and write what has to be; for a thread, as it takes its time. One at a time."""
        with self._settling:
            with self._lock:
                asked, leaving = self._to_pack, self._to_spill
                self._to_pack, self._to_spill = [], []
                self._earlier = self._released = 0
            for version in asked:
                self._pack(version)
            for version in leaving:
                self._pack(version)
                self._spill(version)
            if self.resident > self._threshold:
                self._make_room(self._threshold * _ROOM)

    def _make_room(self, mark: float) -> None:
        """Bring what is in memory down to so many bytes: pack the coldest, then write them."""
        with self._lock:
            inside = list(self._inside)
        freed = 0
        for hot in (False, True):
            coldest = [version for version in inside if version.hot == hot]
            for act in (self._pack, self._spill):
                for version in coldest:
                    if self.resident <= mark:
                        break
                    freed += version.size
                    act(version)
                    if freed > _GIVEN_BACK:
                        give_back()
                        freed = 0
        helped = self.resident <= self._threshold
        self._mark = self._threshold if helped else self.resident * _FURTHER
        give_back()

    def _pack(self, version: Version) -> None:
        with self._lock:
            value, place = version.value, self._inside.get(version)
            if value is ABSENT or place is None:
                return
            if version.extent is not None:
                self._leave(version)  # it is in the file already
                return
            versions, number = place
            against = may_be_changed(versions, number)
            chain = chain_of(versions, number + 1) if against else []
        try:
            base = plain_of(chain, self._file) if against else None
        except (OSError, ValueError):
            base = None  # it is packed whole
        try:
            packed, changed = packed_against(plain_bytes(value), base)
        except ValueError:
            return  # it is no data: it stays as it is
        with self._lock:
            if not version.gone and version.value is not ABSENT:
                version.value, version.packed, version.changed = ABSENT, packed, changed
                version.reads = 0
                self._grow(len(packed) - version.size)
                version.size = len(packed)

    def _spill(self, version: Version) -> None:
        data = version.packed
        if data is None or self._problem:
            return
        try:
            extent = self._file.write(data)
        except OSError as error:
            self._problem = (
                f"no room to spill to a file ({error.strerror or error}): "
                f"{show_size(self.resident)} of outputs stay in memory"
            )
            return
        with self._lock:
            if version.gone or version.packed is None:
                self._file.free(extent)
                return
            version.extent = extent
            self._leave(version)

    def _leave(self, version: Version) -> None:
        version.value, version.packed, version.reads = ABSENT, None, 0
        self._grow(-version.size)
        version.size = 0
        self._inside.pop(version, None)
