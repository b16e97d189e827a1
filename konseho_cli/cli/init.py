"""`konseho init`: begin a council of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from konseho_cli.cli import completing, options
from konseho_cli.cli.founding import found, founded_json, founded_text
from konseho_cli.cli.list import list_councils
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.templates import find_template


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where to; made where it is not there.")
    ] = Path(),
    template: Annotated[
        str,
        typer.Option(
            "--template", "-t", metavar="NAME",
            help="The shipped council to begin with, or one word of its name; `list` shows them.",
            autocompletion=completing.template_names,
        ),
    ] = "quickstart",
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME",
            help="Call the council so, and its file NAME.yaml instead of council.yaml.",
        ),
    ] = None,
    templates: Annotated[
        bool, typer.Option("--templates", "--list", help="Only list what one can begin with.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there already.")
    ] = False,
    json: options.AsJson = False,
) -> None:  # fmt: skip
    """Begin a council of your own, here or in another folder.

    It writes council.yaml from a template, one of its agents under agents/, the schema that editors
    complete and check with, and a line in .gitignore. What it writes runs at once, without a key.
    Nothing that is there is replaced unless --force says so.
    """
    if templates or template == "list":
        list_councils(json=json)
        return
    founded = found(folder, find_template(template), name, force=force)
    deliver_to_stdout(founded_json(founded) if json else founded_text(founded))
