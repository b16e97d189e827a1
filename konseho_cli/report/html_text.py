"""Text and data from strangers, made safe for a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from konseho_cli.report.text import encodable, one_line


def clean(value: Any) -> Any:
    """With every text in it on one line, without control or direction characters or lone halves."""
    if isinstance(value, str):
        return encodable(one_line(value))
    if isinstance(value, Mapping):
        return {str(key): clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each) for each in value]
    return value


def script_json(value: Any) -> str:
    """JSON that can end no script element: ASCII, and without `<`, `>` or `&`."""
    text = json.dumps(clean(value), separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
