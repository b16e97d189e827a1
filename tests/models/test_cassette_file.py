"""Cassettes on disk: what is broken is named with its line, what was cut off is left out."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.models import cassette_file
from konseho_cli.models.base import Message, Reply, Request
from konseho_cli.models.cassette import Attempt, Header, request_hash
from konseho_cli.models.cassette_file import CassetteWriter, read_cassette
from konseho_cli.models.redact import Redactor

HEADER = Header(konseho_cassette=1, version="0", council="c", run="r", seed=7, started=1.0)


def attempt(number: int = 0) -> Attempt:
    request = Request(model="m", messages=(Message("user", f"hello {number}"),))
    return Attempt(
        identity=("s", 0, "", "a", number, 0, 0, 0, 0),
        hash=request_hash(request), model="openai:m", request=request,
        start=100 - number, duration=10, reply=Reply(text="hi", model="openai:m"),
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    writer = CassetteWriter(path, HEADER, Redactor())
    for number in range(3):
        writer.write(attempt(number))
    writer.close()
    return path


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_cassette(path)
    return str(caught.value)


def test_what_was_written_is_read_in_the_order_in_which_it_began(file: Path) -> None:
    cassette = read_cassette(file)
    assert cassette.header == HEADER
    assert cassette.attempts == (attempt(2), attempt(1), attempt(0))
    assert (cassette.answers, cassette.warnings) == ((), ())


def test_only_its_owner_may_read_it_even_where_it_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    CassetteWriter(path, HEADER, Redactor()).close()
    path.write_bytes(path.read_bytes() * 100)
    path.chmod(0o644)
    CassetteWriter(path, HEADER, Redactor()).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_cassette(path).attempts == ()


def test_every_line_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = CassetteWriter(path, HEADER, Redactor())
    writer.write(attempt())
    assert len(read_cassette(path).attempts) == 1
    writer.close()


def test_a_last_line_that_is_cut_off_is_left_out_with_a_warning(file: Path) -> None:
    data = file.read_bytes()
    for cut in (1, 2, 100):
        file.write_bytes(data[:-cut])
        cassette = read_cassette(file)
        if cut == 1:  # only the newline is missing
            assert (len(cassette.attempts), cassette.warnings) == (3, ())
        else:
            assert len(cassette.attempts) == 2
            assert "run.jsonl:4: the last line is cut off" in cassette.warnings[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"hello\n", ":1: this is no cassette"),
        (b"\xff\xfe\x00", ":1: this is no cassette"),
        (b"[" * 100_000, ":1: this is no cassette"),
        (b'{"konseho": 1, "answer": "x"}\n', ":1: this is no cassette"),
        (b'{"konseho_cassette": "1"}\n', ":1: this is no cassette"),
        (b'{"konseho_cassette": 2, "of": "tomorrow"}\n', ":1: a cassette of version 2"),
        (b'{"konseho_cassette": 0}\n', ":1: there is no cassette of version 0"),
        (b'{"konseho_cassette": 1, "version": "0"}\n', ":1: the line cannot be read"),
    ],
)
def test_what_is_no_cassette_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(data)
    assert says in refused(path)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"\n", "cannot be read"),
        (b"{}\n", "kind"),
        (b'{"kind": "attempt"}\n', "missing required field"),
        (b'{"kind": "surprise"}\n', "surprise"),
        (b'{"kind": "answer", "extra": 1}\n', "cannot be read"),
        (b'{"kind": "attempt", "request": ' + b"[" * 100_000 + b"\n", "cannot be read"),
        (b"\xff\xff\n", "cannot be read"),
    ],
)
def test_a_broken_line_is_named(file: Path, line: bytes, says: str) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join((*lines[:2], line, *lines[2:])))
    said = refused(file)
    assert "run.jsonl:3: " in said
    assert says in said


def test_an_unknown_field_is_refused_deep_inside_as_well(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"role":"user"', b'"role":"user","x":1', 1))
    assert "run.jsonl:2: " in refused(file)


LINES = (Path(__file__).resolve().parent / "golden" / "cassette.jsonl").read_bytes()


@given(st.integers(0, len(LINES) - 1), st.binary(max_size=3), st.integers(0, 40))
def test_whatever_is_broken_is_read_or_refused(at: int, put: bytes, gone: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        path.write_bytes(LINES[:at] + put + LINES[at + gone :])
        with suppress(UsageError):
            read_cassette(path)


def test_lines_and_files_are_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cassette_file, "MAX_FILE", 500)
    assert "more than 500 B" in refused(file)
    monkeypatch.setattr(cassette_file, "MAX_LINE", 200)
    assert "run.jsonl:2: more than 200 B" in refused(file)


def test_a_name_that_is_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_cassette(tmp_path / "3fk2")
    assert "--record FILE" in str(caught.value.hint)
    assert "Is a directory" in refused(tmp_path)
    assert "cannot be read" in refused(Path("a\0b"))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "where", Path("a\0b")):
        with pytest.raises(UsageError, match="cannot be written"):
            CassetteWriter(path, HEADER, Redactor())


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    def write(path: Any) -> None:
        CassetteWriter(Path(path), HEADER, Redactor())

    if os.path.exists("/dev/full"):
        with pytest.raises(KonsehoError, match="/dev/full could not be written"):
            write("/dev/full")


def test_what_is_no_cassette_is_not_written_over(tmp_path: Path) -> None:
    council = tmp_path / "council.yaml"
    council.write_text("konseho: 1")
    with pytest.raises(UsageError, match="is there already, and is no cassette"):
        CassetteWriter(council, HEADER, Redactor())
    assert council.read_text() == "konseho: 1"
    (tmp_path / "empty").touch()
    CassetteWriter(tmp_path / "empty", HEADER, Redactor()).close()


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="cannot be written"):
        CassetteWriter(tmp_path / "pipe", HEADER, Redactor())
