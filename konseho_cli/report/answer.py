"""The answer as text: what the council was run for."""

from __future__ import annotations

import json
from typing import Any

from konseho_cli.report.text import encodable, harmless


def answer_text(answer: Any) -> str:
    """Text as it is, everything else as indented JSON; null is nothing."""
    if answer is None:
        return ""
    if isinstance(answer, str):
        return encodable(answer)
    return encodable(json.dumps(answer, ensure_ascii=False, indent=2))


def for_terminal(text: str) -> str:
    """The same for a person's screen, which an answer must not be able to drive.

    Files and pipes get every character: what reads them is a program, and it asked for all.
    """
    return harmless(text)
