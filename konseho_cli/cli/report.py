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


def command(
    run: Run,
    html: outputs.Html = None,
    speedscope: outputs.Speedscope = None,
    perfetto: outputs.Perfetto = None,
    otel: outputs.Otel = None,
    otel_send: outputs.OtelSend = False,
    junit: outputs.Junit = None,
    markdown: outputs.AsMarkdown = False,
    json: options.AsJson = False,
    store: options.Store = None,
) -> None:
    """Write reports of a run that is over.

    Nothing is run again. FILE may be -, which is stdout.
    """
    asked = outputs.wanted(
        {
            "--html": html, "--speedscope": speedscope, "--perfetto": perfetto, "--otel": otel,
            "--junit": junit, "--markdown": outputs.STDOUT if markdown else None,
            "--json": outputs.STDOUT if json else None,
        }
    )  # fmt: skip
    if not asked and not otel_send:
        raise UsageError(
            "which report?",
            hint="--html FILE writes a page to look at; --markdown and --json print one",
        )
    profiled = profiled_of(find_recordings(run, store))
    outputs.write(profiled, asked)
    if otel_send:
        outputs.send(profiled)
