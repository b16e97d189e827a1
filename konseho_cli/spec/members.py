"""What is right and wrong about a population's items, and what its members are called. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from konseho_cli.agents.definition import ID_PATTERN, Agent
from konseho_cli.context.templates import evaluate, render
from konseho_cli.core.errors import TemplateFailed
from konseho_cli.core.marks import quote
from konseho_cli.spec.problems import shown

MOST = 100_000
"""Members of all populations of a council."""
MOST_TOLD = 10
"""Items that are wrong, in one message."""
LONGEST_ID = 56
"""Characters of a population's id: those of its members are longer."""
TEMPLATES = ("role", "description", "name", "weight")
"""Fields of a population that may read `item` and `index`."""

_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))
_PLAIN = re.compile(r"\{\{-?\s*(index|item(?:\.[A-Za-z_]\w*)*)\s*-?\}\}")
_NO_LETTER = re.compile(r"[^a-z0-9]+")


class Wrong(Exception):
    """An item that makes no member; `at` is its index, from 0."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at


def unreadable(items: Any) -> str | None:
    """Why these are no items; None: they are."""
    if isinstance(items, str):
        return f"a list is needed, got {shown(items)}: an input of `type: json` can be one"
    if not isinstance(items, list):
        return f"a list is needed, got {shown(items)}"
    if not items:
        return "the list is empty: a population has at least one member"
    if len(items) > MOST:
        return f"{len(items):,} members are more than {MOST:,}"
    return None


def wrong_items(agent: Agent, items: Sequence[Any]) -> list[tuple[int, str]]:
    """Indexes of items that the agent's templates cannot be filled from, and why; some of them."""
    found: list[tuple[int, str]] = []
    for field in ("role", "description"):
        template = getattr(agent, field)
        if "{" in template:
            found += _unfilled(field, template, items)
    return sorted(found)[:MOST_TOLD]


def _unfilled(field: str, template: str, items: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """A template of bare names is looked through; any other must be filled to know."""
    paths = [path.split(".")[1:] for path in _PLAIN.findall(template)]
    bare = "{" not in _PLAIN.sub("", template)
    told = 0
    for at, item in enumerate(items):
        if bare and all(_has(item, path) for path in paths):
            continue
        try:
            render(template, {"item": item, "index": at + 1})
        except TemplateFailed as error:
            lacks = next((path for path in paths if not _has(item, path)), None)
            why = str(error) if lacks is None else f"it has no '{'.'.join(lacks)}'"
            yield at, f"its `{field}` cannot be written: {why}"
            told += 1
            if told == MOST_TOLD:
                return


def _has(item: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(item, Mapping) or key not in item:
            return False
        item = item[key]
    return True


def ids_of(population: str, agent: Agent, items: Sequence[Any]) -> list[str]:
    """The members' ids: numbered from 1, or what the template `name` says. Raises Wrong."""
    if "{" not in agent.name:
        return [f"{population}_{number}" for number in range(1, len(items) + 1)]
    places: dict[str, int] = {}
    for at, item in enumerate(items):
        try:
            text = render(agent.name, {"item": item, "index": at + 1})
        except TemplateFailed as error:
            raise Wrong(at, f"its `name` cannot be written: {error}") from None
        name = _as_id(text)
        if not _ID.match(name) or len(name) > 64:
            raise Wrong(at, f"its name {quote(text)} makes no id: begin with a letter of a-z")
        if name in places:
            raise Wrong(at, f"its name is '{name}', and so is that of item {places[name]}")
        places[name] = at
    return list(places)


def _as_id(text: str) -> str:
    """`Ana Ruíz` as `ana_ruiz`."""
    letters = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    return _NO_LETTER.sub("_", letters).strip("_")


def weight_of(agent: Agent, item: Any, index: int) -> float:
    """A member's weight; `index` is its place, from 1. Raises Wrong."""
    said: Any = agent.weight
    if isinstance(said, float):
        return said
    try:
        said = evaluate(str(said), {"item": item, "index": index})
        weight = float(said) if isinstance(said, (int, float, str)) else 0.0
    except (TemplateFailed, ValueError, OverflowError) as error:
        raise Wrong(index - 1, f"its `weight` is no number: {str(error)[:200]}") from None
    if not 0 < weight <= 1e9:  # not a number is none of it either
        raise Wrong(index - 1, f"its `weight` must be above 0, not {shown(said)}")
    return weight
