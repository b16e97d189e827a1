"""A private file without a name, for what memory has no room for. It vanishes with its owner."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple


class Extent(NamedTuple):
    """A place in the file, in bytes."""

    at: int
    length: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.at + self.length


class SpillFile:
    """Bytes that are written once, read from any thread, and let go of; their room is used again.

    The file is made at the first write, readable by its owner alone, and has no name from then on:
    whatever ends the process, nothing is left. Raises OSError where it cannot be made or written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: None is the system's for temporary files."""
        self._folder = folder
        self._file: int | None = None
        self._lock = threading.Lock()
        self._free: list[Extent] = []
        """Room between the extents in use, by place; never two side by side, never at the end."""
        self._end = 0

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._end

    @property
    def used(self) -> int:
        """Bytes of it that hold something."""
        return self._end - sum(gap.length for gap in self._free)

    def write(self, data: bytes) -> Extent:
        """Put bytes where there is room. Raises OSError, and keeps no room then."""
        file = self._opened()
        with self._lock:
            place = self._take(len(data))
        try:
            _write_all(file, data, place.at)
        except BaseException:
            self.free(place)
            raise
        return place

    def read(self, place: Extent) -> bytes:
        """What was written there. Raises OSError."""
        assert self._file is not None
        data = bytearray()
        while len(data) < place.length:
            some = os.pread(self._file, place.length - len(data), place.at + len(data))
            if not some:
                raise OSError("the file is shorter than what was written to it")
            if len(some) == place.length:
                return some
            data += some
        return bytes(data)

    def free(self, place: Extent) -> None:
        """Let go of bytes that nobody will read again."""
        with self._lock:
            index = bisect_left(self._free, place)
            start, end = place.at, place.end
            if index < len(self._free) and self._free[index].at == end:
                end = self._free.pop(index).end
            if index and self._free[index - 1].end == start:
                start = self._free.pop(index - 1).at
                index -= 1
            if end == self._end:
                self._end = start
                if self._file is not None:
                    os.ftruncate(self._file, start)
            elif end > start:
                self._free.insert(index, Extent(start, end - start))

    def _take(self, length: int) -> Extent:
        """The first gap that is wide enough, else the end."""
        for index, gap in enumerate(self._free):
            if gap.length >= length:
                if gap.length == length:
                    del self._free[index]
                else:
                    self._free[index] = Extent(gap.at + length, gap.length - length)
                return Extent(gap.at, length)
        place = Extent(self._end, length)
        self._end = place.end
        return place

    def _opened(self) -> int:
        with self._lock:
            if self._file is None:
                if not hasattr(os, "pwrite"):
                    raise OSError("this system cannot write to a file without a name")
                file, name = tempfile.mkstemp(prefix="spill-", dir=self._folder)
                os.unlink(name)
                self._file = file
                weakref.finalize(self, os.close, file)
            return self._file


def _write_all(file: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(file, memoryview(data)[done:], at + done)
