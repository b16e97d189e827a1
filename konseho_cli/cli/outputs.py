"""The files that a profile can be written to: one table of option, renderer and file.

`konseho profile` and `konseho report` share it: `wanted` from their options, then `write`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
import typer

from konseho_cli.cli.result import check_place, deliver_to_stdout, is_stdout
from konseho_cli.cli.streams import is_terminal, mutter, put_bytes
from konseho_cli.core.errors import KonsehoError, UsageError
from konseho_cli.core.files import write_atomically
from konseho_cli.core.source import shown_path
from konseho_cli.profiling.profiled import Profiled
from konseho_cli.report.text import plural

Html: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE",
        help="Write one HTML page that needs no network: timeline, what-ifs, flame graph.",
    ),
]  # fmt: skip
Speedscope: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--speedscope", metavar="FILE",
        help="Write lanes, stacks and functions for https://speedscope.app.",
    ),
]  # fmt: skip
Perfetto: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--perfetto", metavar="FILE",
        help="Write a trace with arrows for wakers for https://ui.perfetto.dev.",
    ),
]  # fmt: skip
Otel: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--otel", metavar="FILE",
        help="Write OpenTelemetry traces as OTLP JSON, without prompts or answers.",
    ),
]  # fmt: skip
OtelSend: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--otel-send",
        help="Send them to OTEL_EXPORTER_OTLP_ENDPOINT; needs konseho[otel].",
    ),
]  # fmt: skip
Junit: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--junit", metavar="FILE", help="Write JUnit XML: a test case for the run and each target."
    ),
]  # fmt: skip
AsMarkdown: TypeAlias = Annotated[
    bool, typer.Option("--markdown", help="A Markdown report of the profile.")
]
NAMES = ("html", "speedscope", "perfetto", "otel", "junit", "markdown", "json")
"""The options of `konseho profile` and `konseho report`, as both commands name them."""
_STDOUT = Path("-")


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One format."""

    render: Callable[[Profiled], str | bytes]
    ready: Callable[[], None] = lambda: None
    """Raises MissingExtra where it could not be rendered: asked before anything is run."""


def _html(profiled: Profiled) -> str:
    from konseho_cli.report.html.page import profile_html

    return profile_html(profiled)


def _html_ready() -> None:
    from konseho_cli.report.html.charts import check_installed

    check_installed()


def _speedscope(profiled: Profiled) -> str:
    from konseho_cli.report.exports.speedscope import speedscope_json

    return speedscope_json(profiled)


def _perfetto(profiled: Profiled) -> bytes:
    from konseho_cli.report.exports.perfetto import perfetto_trace

    return perfetto_trace(profiled)


def _otel(profiled: Profiled) -> str:
    from konseho_cli.report.exports.otel import otel_json

    return otel_json(profiled)


def _junit(profiled: Profiled) -> str:
    from konseho_cli.report.exports.junit import junit_xml

    return junit_xml(profiled)


def _markdown(profiled: Profiled) -> str:
    from konseho_cli.report.profile_markdown import profile_markdown

    return profile_markdown(profiled)


def _json(profiled: Profiled) -> str:
    from konseho_cli.report.profile_json import profile_json

    return profile_json(profiled)


OUTPUTS: Mapping[str, Output] = {
    "--html": Output(render=_html, ready=_html_ready),
    "--speedscope": Output(render=_speedscope),
    "--perfetto": Output(render=_perfetto),
    "--otel": Output(render=_otel),
    "--junit": Output(render=_junit),
    "--markdown": Output(render=_markdown),
    "--json": Output(render=_json),
}
"""By option."""


def wanted(said: Mapping[str, Any]) -> Mapping[str, Path | None]:
    """What was asked for, by option; None is stdout. Raises UsageError, MissingExtra.

    `said`: what the command line says under `NAMES`. Checked before the run: a paid one is not to be
    lost for a name mistyped.
    """
    asked: dict[str, Path | None] = {}
    for name in NAMES:
        option, file = f"--{name}", _STDOUT if said[name] is True else said[name]
        if not file:
            continue
        OUTPUTS[option].ready()
        asked[option] = place_of(option, file)
    _check_apart(asked)
    printed = [option for option, file in asked.items() if file is None]
    if len(printed) > 1:
        raise UsageError(f"{' and '.join(printed)}: only one of them can go to stdout")
    return asked


def _check_apart(asked: Mapping[str, Path | None]) -> None:
    """Raises UsageError where two formats would be one file, of which the later is left."""
    by_place: dict[Path, str] = {}
    for option, file in asked.items():
        if file is None:
            continue
        other = by_place.setdefault(file.resolve(), option)
        if other != option:
            raise UsageError(f"{other} and {option} are one file: {shown_path(file)}")


def place_of(option: str, file: Path) -> Path | None:
    """Where it goes; None is stdout. Raises UsageError where no file can be written."""
    if str(file) == "-" or is_stdout(file):
        return None
    check_place(option, file)
    return file


def write_file(option: str, file: Path, rendered: str | bytes) -> None:
    """Raises KonsehoError, which names both."""
    try:
        write_atomically(file, rendered)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        why = getattr(error, "strerror", None) or error
        raise KonsehoError(f"{option} {file} could not be written: {why}") from error


def write(profiled: Profiled, asked: Mapping[str, Path | None]) -> None:
    """Render and write what was asked for. Raises KonsehoError."""
    for option, file in asked.items():
        rendered = OUTPUTS[option].render(profiled)
        if file is None:
            _deliver(option, rendered)
            continue
        write_file(option, file, rendered)


def send(profiled: Profiled) -> None:
    """Send its traces to the collector that the environment names. Raises KonsehoError."""
    from konseho_cli.report.exports.otel_sending import send_traces

    mutter(f"sent {plural(send_traces(profiled, os.environ), 'span')}\n")


def _deliver(option: str, rendered: str | bytes) -> None:
    if isinstance(rendered, str):
        deliver_to_stdout(rendered)
        return
    if is_terminal(sys.stdout):
        raise UsageError(f"{option} writes bytes, which a terminal cannot show: name a file")
    put_bytes(sys.stdout, rendered)
