"""Paths as people read them."""

from __future__ import annotations

import pytest

from konseho_cli.core.marks import Marks, Path, path_text, quote

PATHS: list[tuple[Path, str]] = [
    ((), ""),
    (("steps", 2, "voters"), "steps[2].voters"),
    (("agents", "critic", "model"), "agents.critic.model"),
    (("agents", "odd key"), "agents['odd key']"),
    (("a", "b\nc"), "a['b\\nc']"),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_a_path_is_written_as_code_would(path: Path, text: str) -> None:
    assert path_text(path) == text


def test_a_deep_path_is_cut() -> None:
    assert path_text(("a",) * 60).endswith("a…")
    assert len(path_text(("a",) * 60)) < 30


def test_long_text_is_quoted_short() -> None:
    assert quote("x" * 500) == "'" + "x" * 59 + "…'"


def test_a_document_made_in_python_has_no_places() -> None:
    assert Marks().of(("steps", 0)) is None
