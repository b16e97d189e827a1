"""`konseho validate`: check council files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from konseho_cli.cli import completing, options
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.streams import mutter
from konseho_cli.core.errors import InvalidCouncil, KonsehoError, Problem
from konseho_cli.report.problems import (
    Checked,
    problems_json,
    problems_text,
    verdict_text,
    warnings_text,
)
from konseho_cli.spec.find import find_council
from konseho_cli.spec.load import load_council


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="Council files, or names of shipped ones.",
            autocompletion=completing.councils,
        ),
    ],
    json: options.AsJson = False,
) -> None:
    """Check council files, all errors at once.

    Says nothing about files that are fine; warnings break nothing.
    """
    checked = [check(file) for file in files]
    broken = any(not file.is_valid for file in checked)
    if json:
        deliver_to_stdout(problems_json(checked))
    else:
        if warnings := warnings_text(checked):
            mutter(f"{warnings}\n")
        if broken:
            deliver_to_stdout(problems_text(checked))
            mutter(f"konseho: {verdict_text(checked)}\n")
    raise typer.Exit(2 if broken else 0)


def check(file: str) -> Checked:
    """Load one file and keep what is wrong with it."""
    try:
        loaded = load_council(find_council(file))
    except InvalidCouncil as error:
        return Checked(file=file, problems=error.problems)
    except KonsehoError as error:
        problem = Problem(path="", message=str(error), file=str(Path(file)), hint=error.hint)
        return Checked(file=file, problems=(problem,))
    return Checked(file=file, warnings=tuple(loaded.warnings))
