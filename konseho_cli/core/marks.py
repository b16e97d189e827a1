"""Places in a document: the path that a person reads, and the line that it stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

Path: TypeAlias = tuple[str | int, ...]
"""Keys and 0-based indexes from the root: `("steps", 2, "voters")`."""

_LONGEST = 12
_PLAIN = re.compile(r"[A-Za-z0-9_$-]{1,64}")


def path_text(path: Path) -> str:
    """`steps[2].voters`; an odd key is shown in quotes, a long one shortened."""
    text = ""
    for part in path[:_LONGEST]:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{quote(part)}]"
    return text if len(path) <= _LONGEST else f"{text}…"


def quote(text: str, longest: int = 60) -> str:
    """Text in single quotes, on one line, shortened."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return (
        f"'{''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in short)}'"
    )


class Marks(msgspec.Struct, frozen=True):
    """Where the values and keys of one YAML text stand. Empty for a document made in Python."""

    values: Mapping[Path, Any] = msgspec.field(default_factory=dict)
    """Path → PyYAML's mark (0-based `line` and `column`)."""
    keys: Mapping[Path, Any] = msgspec.field(default_factory=dict)
    first_line: int = 1
    """The file's line on which the text begins."""

    def of(self, path: Path, *, key: bool = False) -> tuple[int, int] | None:
        """1-based line and column of a value (or of its key), else of the nearest one around it.

        What an alias stands for has the alias's place.
        """
        mark = self.keys.get(path) if key else None
        while mark is None:
            mark = self.values.get(path)
            if mark is None and not path:
                return None
            path = path[:-1]
        return mark.line + self.first_line, mark.column + 1
