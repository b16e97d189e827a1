"""How much memory a built-in value takes, as well as can be told from outside."""

from __future__ import annotations

from sys import getsizeof
from typing import Any


def size_of(value: Any) -> int:
    """Bytes of a value and of all that it holds; what it holds twice counts twice."""
    total = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        total += getsizeof(one)
        if isinstance(one, dict):
            waiting += one.keys()
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
    return total
