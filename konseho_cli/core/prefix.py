"""What two texts, or two byte strings, begin with."""

from __future__ import annotations

from typing import AnyStr


def common_prefix(one: AnyStr, other: AnyStr) -> int:
    """How long it is; by halves, as comparing slices is what is fast."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least
