"""`konseho report`: what a run that is over took, as a file to look at."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import options, outputs
from konseho_cli.cli.recordings import find_recordings
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.assembling import profiled_of

Run: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, the beginning of one, or `last`; or what `konseho profile` left: a "
        "recording, or a folder of them.",
    ),
]


def command(run: Run, html: outputs.Html = None, store: options.Store = None) -> None:
    """Write reports of a run that is over.

    Nothing is run again. FILE may be -, which is stdout.
    """
    asked = outputs.wanted({"--html": html})
    if not asked:
        raise UsageError("which report?", hint="--html FILE writes a page to look at")
    outputs.write(profiled_of(find_recordings(run, store)), asked)
