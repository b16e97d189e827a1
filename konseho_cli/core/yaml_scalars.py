"""Plain scalars by the core schema of YAML 1.2: `no`, `on` and `1:30` are text."""

from __future__ import annotations

import re
from typing import Any

LARGEST = 2**63 - 1
"""Of whole numbers, and its negative the smallest less one: what every reader of JSON takes."""

_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("-+.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")


def resolve(text: str) -> Any:
    """None, bool, int, float or the text itself. Raises OverflowError beyond 64 bits."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INT.fullmatch(text):
        return _bounded(text, 10)
    if _BASED.fullmatch(text):
        return _bounded(text, 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if match := _INFINITE.fullmatch(text):
        return float(f"{match[1]}inf")
    return float("nan") if text in (".nan", ".NaN", ".NAN") else text


def _bounded(text: str, base: int) -> int:
    digits = text if base == 10 else text[2:]
    number = int(digits, base) if len(digits) <= 64 else LARGEST + 2
    if not -LARGEST - 1 <= number <= LARGEST:
        raise OverflowError(text)
    return number


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise OverflowError(text)
    return number
