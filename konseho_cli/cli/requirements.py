"""What Konseho is made of: the packages it needs, and those of its extras, as it declares them."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

NAME = "konseho"
_WRITTEN = re.compile(r"([A-Za-z0-9._-]+)\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)""")
_BOUND = re.compile(r"(>=|<=|<|>|==|~=|!=)\s*([0-9][0-9.]*)")
_FOR_DEVELOPERS = frozenset({"dev", "servers"})


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """One package."""

    name: str
    bounds: tuple[tuple[str, str], ...]
    """`>=` and `1.2`, as they are written."""
    extra: str = ""
    """The extra that it is of; empty: it is needed."""

    def admits(self, version: str) -> bool:
        """Whether a version is within the bounds."""
        have = numbers(version)
        return all(_holds(have, sign, numbers(bound)) for sign, bound in self.bounds)

    @property
    def written(self) -> str:
        """As `pip install` takes it."""
        return self.name + ",".join(f"{sign}{bound}" for sign, bound in self.bounds)


def requirements() -> tuple[Requirement, ...]:
    """Of the checkout that this is, else of what is installed; those of developers left out."""
    found = [read_requirement(line) for line in _lines()]
    return tuple(each for each in found if each.extra not in _FOR_DEVELOPERS)


def read_requirement(line: str) -> Requirement:
    """From `name>=1.2,<3; extra == "x"`."""
    match = _WRITTEN.match(line.strip())
    assert match is not None, line
    extra = _EXTRA.search(match[3] or "")
    bounds = tuple((sign, bound) for sign, bound in _BOUND.findall(match[2]))
    return Requirement(name=match[1], bounds=bounds, extra=extra[1] if extra else "")


def numbers(version: str) -> tuple[int, ...]:
    """The release of a version, without zeros at its end: 1.2.0rc1 is (1, 2)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in release[0].split(".")] if release else []
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _holds(have: Sequence[int], sign: str, bound: Sequence[int]) -> bool:
    have, bound = tuple(have), tuple(bound)
    if sign in (">=", "~="):
        return have >= bound
    return {"<=": have <= bound, "<": have < bound, ">": have > bound, "==": have == bound}.get(
        sign, have != bound
    )


def _lines() -> Iterator[str]:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        yield from declared["dependencies"]
        for extra, lines in declared["optional-dependencies"].items():
            yield from (f'{line}; extra == "{extra}"' for line in lines)
    else:
        yield from importlib.metadata.requires(NAME) or ()
