"""Collects every mistake of one document, with its place and its way out."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from konseho_cli.core.errors import InvalidCouncil, Problem
from konseho_cli.core.marks import Marks, Path, path_text
from konseho_cli.core.suggest import did_you_mean

MAX_PROBLEMS = 100
"""More are not shown: nobody reads them, and looking for near words takes time."""
_COMPARISONS = 5_000  # words that all suggestions of one document may be compared with: 0.1 s
_UNSET: Any = object()


class Problems:
    """The mistakes and warnings of one document, as they are found."""

    def __init__(self, marks: Marks | None = None, file: str = "") -> None:
        self.marks = marks or Marks()
        self.file = file
        self.base: Path = ()
        """Where the document stands, if that is in another one."""
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.wrong_steps: set[Path] = set()
        """Places of steps with an error in them, whose further rules would only echo it."""
        self._comparisons = _COMPARISONS

    def error(
        self,
        path: Path,
        message: str,
        *,
        hint: str | None = None,
        value: Any = _UNSET,
        key: bool = False,
        near: tuple[str, Collection[str]] | None = None,
    ) -> None:
        """Add a mistake. `key`: its place is the key, not the value; `near`: word and known ones.

        The nearest known word becomes the hint where one is near; `hint` is for where none is.
        """
        if path and path[0] == "steps":
            numbered = (at for at, part in enumerate(path, 1) if isinstance(part, int))
            self.wrong_steps.update(path[:at] for at in numbered)
        if len(self.errors) < MAX_PROBLEMS:
            hint = (self._suggest(*near) if near else None) or hint
            self.errors.append(self._problem(path, message, hint, value, key))

    def warn(self, path: Path, message: str, *, hint: str | None = None, key: bool = False) -> None:
        """Add what is no mistake, but perhaps not what was meant."""
        if len(self.warnings) < MAX_PROBLEMS:
            self.warnings.append(self._problem(path, message, hint, _UNSET, key))

    def inside(self, place: Path) -> Problems:
        """For a document that stands in this one, at a place of it."""
        inner = Problems(self.marks, self.file)
        inner.base = (*self.base, *place)
        return inner

    def raise_any(self) -> None:
        """Raises InvalidCouncil with all mistakes by line, if there are any."""
        if self.errors:
            raise InvalidCouncil(by_line(self.errors))

    def _suggest(self, word: str, known: Collection[str]) -> str | None:
        self._comparisons -= len(known)
        return did_you_mean(word, known) if self._comparisons >= 0 else None

    def _problem(
        self, path: Path, message: str, hint: str | None, value: Any, key: bool
    ) -> Problem:
        path = (*self.base, *path)
        line, column = self.marks.of(path, key=key) or (None, None)
        return Problem(
            path=path_text(path),
            message=message,
            file=self.file,
            line=line,
            column=column,
            value=None if value is _UNSET else shown(value),
            hint=hint,
        )


def by_line(problems: Collection[Problem]) -> list[Problem]:
    """In the order in which a reader meets them; each once."""
    return sorted(dict.fromkeys(problems), key=lambda each: (each.line or 0, each.column or 0))


def loop_text(loop: Sequence[str]) -> str:
    """`a -> b -> a`; a long one with its middle left out."""
    names = loop if len(loop) <= 12 else (*loop[:10], f"({len(loop) - 11} more)", loop[-1])
    return " -> ".join(names)


def listed(before: str, names: Collection[str]) -> str:
    """`known: ann, bob`; of many the first twelve."""
    return before + ", ".join(list(names)[:12]) + (", …" if len(names) > 12 else "")


def shown(value: Any) -> str:
    """A value as a message shows it: short JSON, and structures by what they are."""
    if isinstance(value, str):
        value = value if len(value) <= 60 else value[:59] + "…"
    elif isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    elif isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    elif value is None:
        return "nothing"
    elif isinstance(value, (bool, int, float)):
        text = str(value).lower() if not isinstance(value, int) or abs(value) < 2**64 else "…"
        return text if isinstance(value, (bool, float)) else text[:40]
    else:
        return f"a {type(value).__name__}"
    return json.dumps(value, ensure_ascii=False)
