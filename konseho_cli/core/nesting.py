"""How deep a value nests: what goes too deep ends in a RecursionError in somebody else's code."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 64
"""Of answers and inputs, as of council files."""


def nests_deeper(value: Any, most: int = MAX_DEPTH) -> bool:
    """Whether lists and objects stand in each other more than `most` deep. Not recursive."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for each in level
            if isinstance(each, (list, dict))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, (list, dict)) for each in level)
