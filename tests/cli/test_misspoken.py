"""Command lines that cannot be read, or name what is not there: each is told what to write."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "quickstart", "hi", "there"), 'konseho run quickstart "hi there"'),
        (("run", "--simulate", "quickstart", "hi", "there"), 'konseho run COUNCIL "…"'),
        (("quickstart", "hi"), "did you mean `konseho run quickstart`?"),
        (("names.yaml",), "did you mean `konseho run names.yaml`?"),
        (("rnu",), "did you mean 'run'?"),
        (("run", "names", "x"), "did you mean 'names.yaml'?"),
        (("run", "folder", "x"), "did you mean 'folder/council.yaml'?"),
        (("report",), "`last` is the newest"),
        (("whatif",), "`last` is the newest"),
        (("runs", "explain"), "`last` is the newest"),
    ],
)
def test_what_was_meant_is_named(
    konseho, council, tmp_path: Path, monkeypatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for file in ("names.yaml", "folder/council.yaml"):
        (tmp_path / file).write_bytes(Path(council()).read_bytes())
    ran = konseho(*words)
    assert ran.status == 2
    assert told in ran.err


def test_a_word_without_an_argument_of_its_own_is_told_nothing(konseho) -> None:
    assert "last" not in konseho("run").err
    assert "quote" not in konseho("list", "a", "b").err


def test_templates_are_listed_under_the_word_of_other_tools(konseho) -> None:
    assert konseho("init", "--list").out == konseho("init", "--templates").out


def test_a_variable_that_names_no_model_is_named(konseho, monkeypatch) -> None:
    monkeypatch.setenv("KONSEHO_MODEL", "foo")
    assert "KONSEHO_MODEL: 'foo' names no provider" in konseho("run", "quickstart", "x").err
    assert "KONSEHO_MODEL" not in konseho("run", "quickstart", "x", "--model", "foo").err


@pytest.mark.parametrize(("word", "told"), [("hist", "'/history'"), ("hlep", "'/help'")])
def test_a_word_of_a_chat_is_suggested_with_its_slash(word: str, told: str) -> None:
    from konseho_cli.cli.chat_words import Words
    from konseho_cli.core.errors import UsageError

    with pytest.raises(UsageError) as raised:
        Words(None, None).heed(f"/{word}")  # type: ignore[arg-type]
    assert told in (raised.value.hint or "")
