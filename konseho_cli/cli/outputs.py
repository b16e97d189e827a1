"""The files that a profile can be written to: one table of option, renderer and file.

`konseho profile` and `konseho report` share it: `wanted` from their options, then `write`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
import typer

from konseho_cli.cli.result import check_place, deliver_to_stdout, is_stdout
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.profiling.profiled import Profiled

Html: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE",
        help="Write one HTML page that needs no network: timeline, what-ifs, flame graph.",
    ),
]  # fmt: skip


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One format."""

    render: Callable[[Profiled], str]
    ready: Callable[[], None] = lambda: None
    """Raises MissingExtra where it could not be rendered: asked before anything is run."""


def _html(profiled: Profiled) -> str:
    from konseho_cli.report.html import profile_html

    return profile_html(profiled)


def _html_ready() -> None:
    from konseho_cli.report.html_charts import check_installed

    check_installed()


OUTPUTS: Mapping[str, Output] = {
    "--html": Output(render=_html, ready=_html_ready),
}
"""By option."""


def wanted(files: Mapping[str, Path | None]) -> Mapping[str, Path | None]:
    """What was asked for, by option; None is stdout. Raises UsageError, MissingExtra.

    Checked before the run: a paid one is not to be lost for a name mistyped.
    """
    asked: dict[str, Path | None] = {}
    for option, file in files.items():
        if file is None:
            continue
        OUTPUTS[option].ready()
        to_stdout = str(file) == "-" or is_stdout(file)
        asked[option] = None if to_stdout else file
        if not to_stdout:
            check_place(option, file)
    printed = [option for option, file in asked.items() if file is None]
    if len(printed) > 1:
        raise UsageError(f"{' and '.join(printed)}: only one of them can go to stdout")
    return asked


def write(profiled: Profiled, asked: Mapping[str, Path | None]) -> None:
    """Render and write what was asked for. Raises KonsehoError."""
    for option, file in asked.items():
        text = OUTPUTS[option].render(profiled)
        if file is None:
            deliver_to_stdout(text)
            continue
        try:
            write_atomically(file, text)
        except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            why = getattr(error, "strerror", None) or error
            raise KonsehoError(f"{option} {file} could not be written: {why}") from error
