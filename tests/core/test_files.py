"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from konseho_cli.core.files import write_atomically


def test_an_existing_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "answer.md"
    target.write_text("old")
    target.chmod(0o640)
    write_atomically(target, "néw\n")
    assert target.read_text(encoding="utf-8") == "néw\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "answer.md"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "half \ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_takes_no_file_is_told_by_the_file_that_was_asked_for() -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 - which one is the machine's business
        write_atomically(Path("/proc/answer.md"), "there root may not write either")
    assert raised.value.filename == "/proc/answer.md"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "the answer\n")
        assert os.read(reader, 100) == b"the answer\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
