"""The options of `konseho bench`, and what they mean; what reads them raises UsageError."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import completing
from konseho_cli.cli.durations import read_seconds
from konseho_cli.core.errors import UsageError

Council: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[COUNCIL]",
        help="A council to measure; without one, Konseho's own targets.",
        autocompletion=completing.councils,
    ),
]
Only: TypeAlias = Annotated[
    str, typer.Option("-k", metavar="TEXT", help="Only figures with TEXT in their names.")
]
Exact: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Of a council only what no noise touches: virtual time, calls, tokens, cost.",
    ),
]
Quick: TypeAlias = Annotated[
    bool, typer.Option("--quick", help="A first look, in half a minute; less is sure.")
]
Runs: TypeAlias = Annotated[
    int, typer.Option("--runs", "-n", min=2, max=10_000, metavar="N", help="Of the council.")
]
Save: TypeAlias = Annotated[
    str | None, typer.Option("--save", metavar="NAME", help="Keep the figures as a baseline.")
]
Against: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--against", metavar="NAME|FILE|GIT_REF",
        help="Compare with a baseline or with what --json wrote (weak), or with the council or "
        "the build at a git ref (paired).",
    ),
]  # fmt: skip
Threshold: TypeAlias = Annotated[
    str, typer.Option("--threshold", metavar="PERCENT", help="The least change that matters.")
]
Floor: TypeAlias = Annotated[
    str,
    typer.Option("--floor", metavar="DURATION|PERCENT", help="The least difference that matters."),
]
Confidence: TypeAlias = Annotated[
    str, typer.Option("--confidence", metavar="PERCENT", help="Of the interval.")
]
MaxTime: TypeAlias = Annotated[
    str, typer.Option("--max-time", metavar="DURATION", help="For one comparison.")
]
History: TypeAlias = Annotated[
    bool, typer.Option("--history", help="Show the baselines that are kept, and the trend.")
]
AsMarkdown: TypeAlias = Annotated[
    bool, typer.Option("--markdown", help="A Markdown table, as for a pull request.")
]
Junit: TypeAlias = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write JUnit XML to a file as well; - is stdout."),
]

_OF_A_COUNCIL = ("preset", "exact", "runs")
_OF_A_MEASUREMENT = (
    "only", "exact", "quick", "runs", "save", "against", "threshold", "floor", "confidence",
    "max_time", "markdown", "junit",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read_share(option: str, text: str) -> float:
    """A share of 1 from `5%` or `0.05`: above 0, below 1."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise UsageError(f"{option} {text:.20}: expected a share such as 5% or 0.05")
    return share


def read_floor(text: str) -> tuple[float, float]:
    """As a share of 1 and in seconds: what is written as one of them is 0 as the other."""
    if text.endswith("%"):
        return (0.0 if text == "0%" else read_share("--floor", text)), 0.0
    return 0.0, read_seconds("--floor", text)


def read_some_time(option: str, text: str) -> float:
    """Seconds, more than none. Raises UsageError."""
    seconds = read_seconds(option, text)
    if seconds <= 0:
        raise UsageError(f"{option} {text:.20}: expected more than nothing")
    return seconds


def read_name(text: str) -> str:
    """A baseline's name."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"--save {text[:80]!r}: a name is of letters, digits, dots and hyphens, 64 at most"
        )
    return text


def check_used(ctx: typer.Context, *, council: bool, history: bool) -> None:
    """Refuse what would be asked for in vain."""
    for param in ctx.command.params:
        name = str(param.name)
        source = ctx.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue  # an environment variable is for other commands, too
        if history and name in _OF_A_MEASUREMENT:
            raise UsageError(f"{param.opts[0]}: --history measures nothing, it shows what is kept")
        if not council and name in _OF_A_COUNCIL:
            raise UsageError(f"{param.opts[0]} is about a council, and none is named")
