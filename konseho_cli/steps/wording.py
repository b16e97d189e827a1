"""The default wording of each kind, kept as Markdown templates in `prompts/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from konseho_cli.context.templates import render

_FOLDER = Path(__file__).parent / "prompts"


@cache
def wording(name: str) -> str:
    """The template `prompts/NAME.md`."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def word(name: str, **names: Any) -> str:
    """The template `prompts/NAME.md`, filled."""
    return render(wording(name), names)
