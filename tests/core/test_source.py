"""Files that cannot be read, each with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import InvalidCouncil
from konseho_cli.core.source import MAX_SOURCE, read_source


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "c.yaml"


def why(path: Path) -> str:
    """What is said about a file that is refused."""
    with pytest.raises(InvalidCouncil) as raised:
        read_source(path)
    return str(raised.value)


def test_text_is_read_without_its_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    assert read_source(file) == "a: é\r\n"


def test_a_file_that_is_not_there(file: Path) -> None:
    assert why(file) == "c.yaml: the file does not exist"


def test_a_folder_that_is_not_there_is_named(file: Path) -> None:
    assert why(Path("no/c.yaml")) == "no/c.yaml: the file does not exist (there is no folder no)"


def test_a_folder_is_no_file(file: Path) -> None:
    file.mkdir()
    assert why(file) == "c.yaml: this is a folder, not a file"


def test_a_path_with_a_file_as_a_folder(file: Path) -> None:
    file.write_text("x")
    assert why(file / "x") == "c.yaml/x: the file cannot be read: Not a directory"


def test_a_name_that_no_file_can_have(file: Path) -> None:
    assert "cannot be read" in why(Path("a\0b"))
    assert "cannot be read" in why(Path("a" * 5000))


def test_as_large_as_allowed_and_a_byte_more(file: Path) -> None:
    file.write_bytes(b"#" * MAX_SOURCE)
    assert len(read_source(file)) == MAX_SOURCE
    file.write_bytes(b"#" * (MAX_SOURCE + 1))
    assert why(file) == "c.yaml: the file is larger than 1.0 MiB"


def test_an_endless_file_is_read_to_its_bound(file: Path) -> None:
    assert why(Path("/dev/zero")) == "/dev/zero: the file is larger than 1.0 MiB"


def test_nul_is_named_with_its_line(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: \0\n")
    assert why(file) == "c.yaml:2: byte 8 is NUL, so this is not a text file"


def test_what_is_not_utf_8_is_named_with_its_line(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    assert why(file) == "c.yaml:2: byte 11 (0xe9) is not UTF-8 (save it as UTF-8)"


def test_utf_16_is_known_by_its_mark(file: Path) -> None:
    file.write_text("a: 1", encoding="utf-16")
    assert why(file) == "c.yaml: the file is UTF-16 (save it as UTF-8)"
