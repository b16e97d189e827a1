from __future__ import annotations

import os
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.context.spill import Extent, SpillFile


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_what_was_written_is_read_and_room_is_used_again(acts: list[tuple[bool, int]]) -> None:
    file, kept = SpillFile(), list[tuple[Extent, bytes]]()
    most = 0
    for write, number in acts:
        if write:
            data = bytes([number]) * number
            kept.append((file.write(data), data))
        elif kept:
            place, _ = kept.pop(number % len(kept))
            file.free(place)
        assert all(file.read(place) == data for place, data in kept)
        used = sum(place.length for place, _ in kept)
        assert file.used == used
        most = max(most, used)
    for place, _ in kept:
        file.free(place)
    assert file.size == 0


def test_the_file_is_private_and_has_no_name(tmp_path: Path) -> None:
    file = SpillFile(tmp_path)
    file.write(b"secret")
    assert list(tmp_path.iterdir()) == []
    assert file._file is not None
    found = os.fstat(file._file)
    assert (stat.S_IMODE(found.st_mode), found.st_nlink, found.st_size) == (0o600, 0, 6)


def test_no_file_is_made_before_something_is_written(tmp_path: Path) -> None:
    file = SpillFile(tmp_path / "not there")
    assert (file.size, file._file) == (0, None)


def test_the_file_is_closed_with_its_owner(tmp_path: Path) -> None:
    file = SpillFile(tmp_path)
    file.write(b"x")
    handle = file._file
    assert handle is not None
    device = os.fstat(handle)
    del file
    try:
        again = os.fstat(handle)
    except OSError:
        return
    assert (again.st_dev, again.st_ino) != (device.st_dev, device.st_ino)
