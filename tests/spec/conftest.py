"""Councils written for one test, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from konseho_cli.core.errors import InvalidCouncil, Problem
from konseho_cli.spec.load import load_council
from konseho_cli.spec.loaded import Loaded

HEAD = "konseho: 1\nname: trial\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages show short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Callable[[str], Loaded]:
    """Load a council from its text; its first two lines are given."""

    def load(text: str) -> Loaded:
        file = folder / "council.yaml"
        file.write_text(HEAD + text, encoding="utf-8")
        return load_council(file)

    return load


@pytest.fixture
def problems(load: Callable[[str], Loaded]) -> Callable[[str], list[Problem]]:
    """All problems of a council that must have some."""

    def problems(text: str) -> list[Problem]:
        with pytest.raises(InvalidCouncil) as raised:
            load(text)
        return list(raised.value.problems)

    return problems


@pytest.fixture
def said(problems: Callable[[str], list[Problem]]) -> Callable[[str], list[str]]:
    """The same as people see them."""
    return lambda text: [str(problem) for problem in problems(text)]
