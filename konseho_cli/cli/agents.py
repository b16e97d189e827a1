"""`konseho agents`: the agents that a council can name with `from:`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.agents.registry import Library, shared
from konseho_cli.agents.writing import (
    check_name,
    draft,
    find_or_refuse,
    place_of,
    write_agent,
)
from konseho_cli.cli import completing, options
from konseho_cli.cli.main import SETTINGS
from konseho_cli.cli.printing import print_lines, symbols, width
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.streams import mutter
from konseho_cli.core.errors import UsageError
from konseho_cli.core.source import shown_path
from konseho_cli.report import agents as report
from konseho_cli.spec.find import find_council

Council: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--council",
        metavar="COUNCIL",
        help="As that council finds them.",
        autocompletion=completing.councils,
    ),
]
Name: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The name of an agent.", autocompletion=completing.agents),
]

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)


@app.callback(no_args_is_help=True)
def command() -> None:
    """See the agents that `from: NAME` can mean, and write new ones.

    They are looked for in agents/ and .claude/agents/ of the council's folder and of those above
    it up to the project's root, then in ~/.config/konseho/agents/ and ~/.claude/agents/, then
    among those that ship. The first of a name counts. Without --council, the current folder is
    the council's.
    """


@app.command("list")
def list_agents(council: Council = None, json: options.AsJson = False) -> None:
    """List them by name; what cannot be used is told on stderr."""
    library = _library(council)
    if json:
        deliver_to_stdout(report.agents_json(library))
        return
    print_lines(report.agents_lines(library, symbols(), width()))
    for problem in report.problems_lines(library):
        mutter(f"{problem}\n")


@app.command()
def show(name: Name, council: Council = None, json: options.AsJson = False) -> None:
    """Show where one is, what its front matter says, and its whole role."""
    folder = _folder(council)
    library = shared().library(folder, os.environ, fresh=True)
    find_or_refuse(library, name)
    read = shared().agent(name, folder, os.environ)
    if not isinstance(read, tuple):  # gone meanwhile
        raise UsageError(f"no agent is called '{name:.80}'")
    form = report.agent_json if json else report.agent_text
    deliver_to_stdout(form(library, *read))


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="a-z, 0-9 and hyphens, such as product-owner.")
    ],
    user: Annotated[
        bool, typer.Option("--user", help="For all projects, in ~/.config/konseho/agents/.")
    ] = False,
    copied: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Begin with a copy of that agent.",
            autocompletion=completing.agents,
        ),
    ] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", "-d", metavar="TEXT", help="What it is good for."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there already.")
    ] = False,
) -> None:
    """Write agents/NAME.md here, to be filled in; its path goes to stdout."""
    check_name(name)
    here = Path.cwd()
    library = shared().library(here, os.environ, fresh=True)
    text = draft(name, description, None if copied is None else find_or_refuse(library, copied))
    file = place_of(name, here, os.environ, user=user)
    write_agent(file, text, library, force=force)
    shared().forget()
    deliver_to_stdout(shown_path(file))
    shadowed = library.find(name)
    if shadowed is not None and shadowed.level == "built-in":
        mutter(f"it counts before the '{name}' that ships\n")
    mutter(f"a council finds it with `from: {name}`\n")


def _library(council: str | None) -> Library:
    return shared().library(_folder(council), os.environ, fresh=True)


def _folder(council: str | None) -> Path:
    """Raises UsageError."""
    if council is None:
        return Path.cwd()
    file = find_council(council)
    if not file.is_file():
        raise UsageError(f"{shown_path(file)} is no file")
    return file.resolve().parent
