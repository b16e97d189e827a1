"""What the shell may complete, found only while it asks. Whatever goes wrong, it offers nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

if TYPE_CHECKING:  # each is loaded where it is asked for: every command imports this module
    from konseho_cli.store.base import Store, StoredRun

MOST_RUNS = 30
_VALUE = re.compile(r"[\w./+:=@,-]+")
"""Shells evaluate what they are offered: a name with anything else in it is not offered."""
_UNSAFE = re.compile(r"[^\w ./+:=@,;?!%()-]+")
_HEAD = 4096
"""Bytes in which a council says that it is one."""
_COUNCIL = re.compile(rb"^konseho:", re.MULTILINE)
Offers = list[tuple[str, str]]


class Offer(NamedTuple):
    """One completion, as Typer prints it."""

    value: str
    help: str
    type: str = "plain"


def named(known: Mapping[str, str], begun: str) -> list[Offer]:
    """Of names with what they are: those that begin so."""
    return [Offer(name, about) for name, about in known.items() if name.startswith(begun)]


def _offering(
    find: Callable[[typer.Context, str], Iterable[tuple[str, str]]],
) -> Callable[[typer.Context, str], Offers]:
    """Only what begins so and is safe; an error would land in the middle of somebody's line."""

    @wraps(find)
    def offer(ctx: typer.Context, incomplete: str) -> Offers:
        try:
            found = list(find(ctx, incomplete))
        except Exception:  # noqa: BLE001
            return []
        return [
            (value, _UNSAFE.sub(" ", about)[:60].strip())
            for value, about in found
            if value.startswith(incomplete) and _VALUE.fullmatch(value)
        ]

    return offer


@_offering
def councils(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """Those that ship, files here, and folders on the way to others."""
    from konseho_cli.spec.find import shipped_councils

    yield from ((name, "ships with Konseho") for name in shipped_councils())
    begun = Path(incomplete)
    folder = begun if incomplete.endswith("/") else begun.parent
    for place in sorted(folder.iterdir()):
        shown = incomplete.rpartition("/")[0]
        name = f"{shown}/{place.name}" if "/" in incomplete else place.name
        if place.suffix in (".yaml", ".yml") and _is_council(place):
            yield name, "a council file"
        elif place.is_dir() and not place.name.startswith(".") and _holds_yaml(place):
            yield f"{name}/", "a folder"


def _is_council(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return _COUNCIL.search(stream.read(_HEAD)) is not None


def _holds_yaml(folder: Path) -> bool:
    return any(each.suffix in (".yaml", ".yml") for each in folder.iterdir())


@_offering
def presets(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """Those that ship, and those beside the council that the line names."""
    from konseho_cli.spec.find import find_council
    from konseho_cli.spec.preset import presets_beside

    council = ctx.params.get("council")
    beside = find_council(council) if council else Path("council")
    return [(name, "a preset") for name in presets_beside(beside)]


_ABOUT = {"sim": "simulates", "human": "a person is asked"}
"""Providers that need no model's name."""


@_offering
def models(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """The providers, each with the model that is used where only its key is there."""
    from konseho_cli.models.registry import PROVIDERS

    for provider in PROVIDERS.values():
        model = f":{provider.default_model}" if provider.default_model else ":"
        about = _ABOUT.get(provider.name)
        yield (provider.name, about) if about else (provider.name + model, "a model")


@_offering
def runs(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """The newest runs that are kept."""
    from konseho_cli.store.base import Wanted

    prefix = "" if "last".startswith(incomplete) else incomplete
    rows = _stored(ctx, lambda store: store.runs(Wanted(limit=MOST_RUNS, prefix=prefix)))
    if rows:
        yield "last", "the run that began last"
    yield from ((row.began.run, f"{row.began.council}: {row.began.task}") for row in rows or ())


@_offering
def steps(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """The steps of the run that the line names."""
    run = _run(ctx)
    return [] if run is None else [(step.step, "a step") for step in run.steps]


@_offering
def changed_agents(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """The agents of that run, to be followed by a change."""
    run = _run(ctx)
    names = dict.fromkeys(call.agent.partition("#")[0] for call in run.calls) if run else {}
    return [(f"{name}=", "an agent") for name in names]


@_offering
def agents(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """Agents that `from:` can name here."""
    from konseho_cli.agents.registry import shared

    library = shared().library(Path.cwd(), os.environ)
    return [(found.name, f"an agent: {found.level}") for found in library.agents]


@_offering
def template_names(ctx: typer.Context, incomplete: str) -> Iterable[tuple[str, str]]:
    """What `konseho init` can begin with."""
    from konseho_cli.spec.find import shipped_councils

    return [(name, "a template") for name in (*shipped_councils(), "list")]


def _run(ctx: typer.Context) -> StoredRun | None:
    """The run that the line names."""
    from konseho_cli.store.find import find_stored

    name = str(ctx.params.get("run") or "last")
    found: StoredRun | None = _stored(ctx, lambda store: find_stored(store, name))
    return found


def _stored(ctx: typer.Context, work: Callable[[Store], Any]) -> Any:
    """What is read from the store; None where there is none, and none is made to look into it."""
    from konseho_cli.cli.stored import with_store
    from konseho_cli.store.location import locate

    file = ctx.params.get("store")
    return with_store(file, work) if locate(os.environ, file).exists() else None
