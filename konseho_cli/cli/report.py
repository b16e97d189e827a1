"""`konseho report`: what a run that is over took, as a file to look at."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import completing, options, outputs
from konseho_cli.cli.printing import print_lines, symbols, width
from konseho_cli.cli.recordings import find_recordings
from konseho_cli.profiling.assembling import profiled_of
from konseho_cli.report.profile import profile_lines

Run: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, the beginning of one, or `last`; or what `konseho profile` left: a "
        "recording, or a folder of them.",
        autocompletion=completing.runs,
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
    """Report where the time of a run that is over went.

    Prints it, unless a format is asked for. Nothing is asked again: what-ifs are replayed in virtual
    time. FILE may be -, which is stdout.
    """
    asked = outputs.wanted(locals())
    profiled = profiled_of(find_recordings(run, store))
    if not asked and not otel_send:
        print_lines(profile_lines(profiled, symbols(), width()))
    outputs.write(profiled, asked)
    if otel_send:
        outputs.send(profiled)
