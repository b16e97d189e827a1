"""Arguments and options that commands share, so that they mean the same everywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from konseho_cli.cli import completing
from konseho_cli.telemetry.events import EventLevel

Council: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="COUNCIL",
        help="A council file, or the name of one that ships with Konseho.",
        autocompletion=completing.councils,
    ),
]
Task: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[TASK]", help="What the council is to do; - reads it from stdin."),
]
TaskFile: TypeAlias = Annotated[
    Path | None, typer.Option("--task-file", help="Read the task from a file.", metavar="FILE")
]
Inputs: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--input", "-i", metavar="NAME=VALUE",
        help="Give an input; NAME=@FILE reads a file, NAME=@- stdin. Repeatable.",
    ),
]  # fmt: skip
Models: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--model", "-m", metavar="[NAME=]PROVIDER:MODEL",
        help="The model of agents that choose none; with NAME=, what stands behind that name of "
        "the file's `models`. Repeatable.",
        autocompletion=completing.models,
    ),
]  # fmt: skip
Simulate: TypeAlias = Annotated[
    bool, typer.Option("--simulate", help="Let `sim` answer everything; costs nothing.")
]
Answers: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--answers",
        metavar="FILE",
        help="What people answer, in YAML or JSON: a value, or a list of them, by step, step/agent "
        "or agent.",
    ),
]
MaxConcurrency: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-concurrency", min=1, metavar="N", help="Model calls at the same time."),
]
Seed: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="Of shuffles, ties, jitter and simulated answers.",
    ),
]
Timeout: TypeAlias = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="For the whole run: 90s, 5m.")
]
Strict: TypeAlias = Annotated[
    bool, typer.Option("--strict", help="End with status 1 where the run is only degraded.")
]
Cache: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--cache/--no-cache",
        help="Use answers again above temperature 0 too; or none at all. By default those at 0.",
    ),
]
Refresh: TypeAlias = Annotated[
    bool, typer.Option("--refresh", help="Ask the models in any case, and keep their answers.")
]
Preset: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--preset", envvar="KONSEHO_PRESET", metavar="NAME|FILE",
        help="Settings under a name: `konseho list --presets` shows those that ship. What the "
        "command line or the council says itself holds over them.",
        autocompletion=completing.presets,
    ),
]  # fmt: skip
Events: TypeAlias = Annotated[
    EventLevel | None,
    typer.Option(
        "--events", envvar="KONSEHO_EVENTS",
        help="The most that is built of events: none (no live view), steps, or all, pieces of "
        "text included. By default what is listened to, but pieces of text.",
    ),
]  # fmt: skip
EventsOut: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--events-out", metavar="FILE",
        help="Write every event to a file as it comes, one JSON object a line; - is stdout.",
    ),
]  # fmt: skip
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, show the plan, call nothing.")
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")
]


def _allow(value: bool) -> bool:
    """Tell the processes that this one starts, too: a profiler runs the council in one."""
    if value:
        os.environ["KONSEHO_ALLOW_EXEC"] = "1"
    return value


AllowExec: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-exec",
        callback=_allow,
        help="Let the council's `command` steps execute programs, with all your rights.",
    ),
]
Record: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Write every request and answer to a cassette, as they come.",
    ),
]
Replay: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--replay",
        metavar="FILE|RUN",
        help="Let a cassette, or a run that is kept, answer in the place of models.",
        autocompletion=completing.runs,
    ),
]
Run: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, the beginning of one, or `last`: see `konseho runs`.",
        autocompletion=completing.runs,
    ),
]
Store: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="KONSEHO_STORE",
        show_envvar=False,
        help="The database of runs, in the place of the one in .konseho/.",
    ),
]
NoStore: TypeAlias = Annotated[
    bool, typer.Option("--no-store", help="Keep nothing of this run; it cannot be resumed.")
]
ReplaySpeed: TypeAlias = Annotated[
    float,
    typer.Option(
        "--replay-speed", metavar="X", min=0, max=1e6,
        help="1 as recorded, 2 twice as fast, 0 at once, in virtual time.",
    ),
]  # fmt: skip
ReplayMiss: TypeAlias = Annotated[
    Literal["error", "call"],
    typer.Option("--replay-miss", help="What to do about a call that the cassette lacks."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
AsMarkdown: TypeAlias = Annotated[
    bool, typer.Option("--markdown", help="A Markdown report: answer, steps, ballots.")
]
AsMermaid: TypeAlias = Annotated[bool, typer.Option("--mermaid", help="A Mermaid flowchart.")]
WithPrompts: TypeAlias = Annotated[
    bool, typer.Option("--prompts", help="Show the prompts that the agents would get.")
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the result to a file, whole or not at all."
    ),
]
Stream: TypeAlias = Annotated[bool, typer.Option("--stream", help="Print the answer as it comes.")]
