"""When a file's state says that its content is the same."""

from __future__ import annotations

from pathlib import Path

from konseho_cli.core.freshness import checksum, is_settled, state_of

SECOND = 10**9


def test_a_state_is_trusted_only_well_after_the_last_change() -> None:
    changed = (100 * SECOND, 90 * SECOND, 5, 1)
    assert not is_settled(changed, 100 * SECOND)
    assert not is_settled(changed, 102 * SECOND)
    assert is_settled(changed, 102 * SECOND + 1)


def test_a_time_that_was_set_back_settles_nothing() -> None:
    """As `touch -d` and `cp -p` do: the entry's own time tells."""
    assert not is_settled((1, 100 * SECOND, 5, 1), 101 * SECOND)


def test_a_change_that_is_still_to_come_settles_nothing() -> None:
    assert not is_settled((200 * SECOND, 200 * SECOND, 5, 1), 100 * SECOND)


def test_the_state_of_a_file_is_its_times_its_size_and_its_number(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    found = file.stat()
    assert state_of(found) == (found.st_mtime_ns, found.st_ctime_ns, 5, found.st_ino)


def test_checksums_are_short_and_differ() -> None:
    assert len({checksum(b""), checksum(b"a"), checksum(b"b")}) == 3
    assert len(checksum(b"a")) == 16
