from __future__ import annotations

from pathlib import Path

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.models.config import config_path, configured_model


def configured(folder: Path, text: str | bytes) -> str | None:
    file = folder / "konseho" / "config.yaml"
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return configured_model({"XDG_CONFIG_HOME": str(folder)})


def test_the_file_names_the_model(tmp_path: Path) -> None:
    assert configured(tmp_path, "# mine\nmodel: 'ollama:llama3.2'\n") == "ollama:llama3.2"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_chooses_nothing(tmp_path: Path, text: str) -> None:
    assert configured(tmp_path, text) in (None, "")


def test_no_file_chooses_nothing(tmp_path: Path) -> None:
    assert configured_model({"XDG_CONFIG_HOME": str(tmp_path)}) is None
    assert configured_model({}) is None


def test_the_file_is_looked_for_where_the_desktop_says() -> None:
    home = {"HOME": "/home/me"}
    assert config_path(home) == Path("/home/me/.config/konseho/config.yaml")
    assert config_path({**home, "XDG_CONFIG_HOME": "/x"}) == Path("/x/konseho/config.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "modle: x",
        "model: [a]",
        "model: {a: b}",
        "- a",
        "text",
        "model: &a x\nmodel: *a",
        "a: [",
        "model: a\nmodel: b",
        "model: !!python/name:os.system x",
        "---\nmodel: a\n---\nmodel: b",
        b"\xff",
        "\0",
    ],
)
def test_a_wrong_file_is_named_in_its_error(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(UsageError, match=r"config\.yaml"):
        configured(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"), [("[" * 200_000, "nested deeper"), ("# " * 15_000_000, "larger than 1.0 MiB")]
)
def test_a_file_without_end_is_refused_at_its_bound(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"config\.yaml.*{said}"):
        configured(tmp_path, text)


def test_a_file_that_cannot_be_read_says_why_in_words(tmp_path: Path) -> None:
    (tmp_path / "konseho" / "config.yaml").mkdir(parents=True)
    for folder in (tmp_path, Path("/") / ("x" * 300)):
        with pytest.raises(UsageError) as caught:
            configured_model({"XDG_CONFIG_HOME": str(folder)})
        assert "Errno" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_mistyped_key_is_corrected(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        configured(tmp_path, "modle: x")
    assert caught.value.hint == "did you mean 'model'?"
