"""`konseho profile`: where time, CPU and memory of a council go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import completing, options, outputs
from konseho_cli.cli.profiling import Asked, profile_council, profile_process

Council: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[COUNCIL]",
        help="A council file, or the name of one that ships; else the one of the run that --replay "
        "names, else quickstart.",
        autocompletion=completing.councils,
    ),
]
Cpu: TypeAlias = Annotated[bool, typer.Option("--cpu", help="cProfile: functions, by part.")]
Memory: TypeAlias = Annotated[
    bool, typer.Option("--memory", help="memory_profiler, which looks from outside.")
]
Sample: TypeAlias = Annotated[
    bool, typer.Option("--sample", help="py-spy: stacks, so many times a second.")
]
Everything: TypeAlias = Annotated[
    bool, typer.Option("--all", help="All three, each in a process of its own.")
]
Repeats: TypeAlias = Annotated[
    int,
    typer.Option(
        "-n", min=1, max=1000, metavar="N",
        help="Runs under each profiler, or of the council alone where none is named; all but the "
        "first of all replay its answers.",
    ),
]  # fmt: skip
Interval: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--interval",
        metavar="DURATION",
        help="Between two looks at the memory, with --memory; else 20ms.",
    ),
]
Lines: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--lines", metavar="MODULE:FUNC",
        help="Look at a function line by line, in a run of its own that is 10 to 100 times slower; "
        "with --cpu it needs konseho[lines]. Repeatable.",
    ),
]  # fmt: skip
Leaks: TypeAlias = Annotated[
    int,
    typer.Option(
        "--leaks", min=0, max=10_000, metavar="N",
        help="Replay it N times in one process, and fit a line through the memory after each.",
    ),
]  # fmt: skip
Rate: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--rate",
        min=1,
        max=10_000,
        metavar="N",
        help="Samples a second, with --sample or --pid, as are the next three; else 100.",
    ),
]
Gil: TypeAlias = Annotated[
    bool, typer.Option("--gil", help="Sample only threads that hold the interpreter's lock.")
]
Idle: TypeAlias = Annotated[bool, typer.Option("--idle", help="Sample threads that wait, too.")]
Subprocesses: TypeAlias = Annotated[
    bool, typer.Option("--subprocesses", help="Sample child processes, too.")
]
Pid: TypeAlias = Annotated[
    int | None,
    typer.Option("--pid", min=1, metavar="PID", help="Sample a process that runs already."),
]
DurationOf: TypeAlias = Annotated[
    str | None,
    typer.Option("--duration", metavar="DURATION", help="How long, with --pid; else 10s."),
]
WithCost: TypeAlias = Annotated[
    bool,
    typer.Option("--cost/--no-cost", help="Measure what the profilers cost, up to 20 s."),
]
Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="Keep the recordings there; else in .konseho/profiles/."
    ),
]


def command(
    ctx: typer.Context,
    council: Council = None,
    task: options.Task = None,
    task_file: options.TaskFile = None,
    inputs: options.Inputs = [],  # noqa: B006 - Typer reads it, nobody writes it
    cpu: Cpu = False,
    memory: Memory = False,
    sample: Sample = False,
    everything: Everything = False,
    repeats: Repeats = 1,
    interval: Interval = None,
    lines: Lines = [],  # noqa: B006
    leaks: Leaks = 0,
    rate: Rate = None,
    gil: Gil = False,
    idle: Idle = False,
    subprocesses: Subprocesses = False,
    pid: Pid = None,
    duration: DurationOf = None,
    cost: WithCost = True,
    folder: Folder = None,
    model: options.Models = [],  # noqa: B006
    simulate: options.Simulate = False,
    max_concurrency: options.MaxConcurrency = None,
    seed: options.Seed = None,
    timeout: options.Timeout = None,
    strict: options.Strict = False,
    cache: options.Cache = None,
    refresh: options.Refresh = False,
    allow_exec: options.AllowExec = False,
    store: options.Store = None,
    no_store: options.NoStore = False,
    replay: options.Replay = None,
    replay_speed: options.ReplaySpeed = 1.0,
    preset: options.Preset = None,
    quiet: options.Quiet = False,
    html: outputs.Html = None,
    speedscope: outputs.Speedscope = None,
    perfetto: outputs.Perfetto = None,
    otel: outputs.Otel = None,
    otel_send: outputs.OtelSend = False,
    junit: outputs.Junit = None,
    markdown: outputs.AsMarkdown = False,
    json: options.AsJson = False,
) -> None:
    """See where the time, CPU and memory of a council go.

    Every profiler runs the council in a process of its own; all but the first run replay its
    answers, so that it is paid for once. Answers are simulated unless the file, --model,
    KONSEHO_MODEL or --replay says otherwise.
    """
    asked = Asked(**locals())  # before there is anything else here: what the command line says
    raise typer.Exit(profile_process(asked) if pid is not None else profile_council(asked))
