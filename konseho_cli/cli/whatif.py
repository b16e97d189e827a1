"""`konseho whatif`: what a run would have taken with something changed."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import completing, options
from konseho_cli.cli.printing import symbols
from konseho_cli.cli.rehearsing import Played, compare, find_rehearsal, sweep_over, whole_sum
from konseho_cli.cli.result import deliver_to_stdout
from konseho_cli.cli.sweeping import read_sweep
from konseho_cli.core.errors import UsageError
from konseho_cli.profiling.whatif.stated import Said, share_of_one
from konseho_cli.report import whatif as report

Run: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, the beginning of one, `last`, a recording, a folder of them, or a "
        "cassette.",
        autocompletion=completing.runs,
    ),
]
Agents: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--agent", "-a", metavar="NAME=TIME",
        help="How long an agent's calls take: 0.5x is half the time, 2x twice the time, 2s two "
        "seconds each. Repeatable, as all that name something.",
        autocompletion=completing.changed_agents,
    ),
]  # fmt: skip
Models: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--model", "-m", metavar="NAME=TIME",
        help="The same for all who go by a name of the file's `models`, or for a PROVIDER:MODEL.",
    ),
]  # fmt: skip
Concurrency: TypeAlias = Annotated[
    int | None,
    typer.Option("--concurrency", "-c", min=1, metavar="N", help="Model calls at the same time."),
]
Steps: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--step", metavar="ID.FIELD=VALUE",
        help="A field of a step that changes its time: wait, quorum, rounds, early_stop, "
        "max_agents and others.",
    ),
]  # fmt: skip
Rpm: TypeAlias = Annotated[
    list[str],
    typer.Option("--rpm", metavar="MODEL=N", help="Requests a minute of a model; none: no limit."),
]
Tpm: TypeAlias = Annotated[
    list[str],
    typer.Option("--tpm", metavar="MODEL=N", help="Tokens a minute of a model; none: no limit."),
]
Limit: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--limit", metavar="MODEL=N", help="Requests of a model at the same time; none: no limit."
    ),
]
CacheHit: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cache-hit", metavar="SHARE",
        help="The share of calls, 0.5 or 50%, that takes no time and no money; the run's seed chooses them.",
    ),
]  # fmt: skip
Overhead: TypeAlias = Annotated[
    str | None, typer.Option("--overhead", metavar="DURATION", help="Each call takes longer by it.")
]
Each: TypeAlias = Annotated[
    bool, typer.Option("--each", help="Each change by itself, too, and then all together.")
]
SweepOver: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sweep", metavar="KEY=VALUES",
        help="One thing at many values: concurrency=1..32, agent.NAME=0.25..2 or 1s..8s, "
        "step.ID.quorum=1,2,3.",
    ),
]  # fmt: skip
CouncilOf: TypeAlias = Annotated[
    str | None,
    typer.Option("--council", metavar="COUNCIL", help="Whose cassette it is; a run knows its own."),
]
TaskOf: TypeAlias = Annotated[
    str | None, typer.Option("--task", metavar="TASK", help="Of the run on the cassette.")
]


def command(
    run: Run,
    agent: Agents = [],  # noqa: B006 - Typer reads it, nobody writes it
    model: Models = [],  # noqa: B006
    concurrency: Concurrency = None,
    step: Steps = [],  # noqa: B006
    rpm: Rpm = [],  # noqa: B006
    tpm: Tpm = [],  # noqa: B006
    limit: Limit = [],  # noqa: B006
    cache_hit: CacheHit = None,
    overhead: Overhead = None,
    each: Each = False,
    sweep: SweepOver = None,
    council: CouncilOf = None,
    task: TaskOf = None,
    inputs: options.Inputs = [],  # noqa: B006
    store: options.Store = None,
    json: options.AsJson = False,
) -> None:
    """Say what a run would have taken with something changed.

    A stored run is replayed in virtual time, through the same executor: nothing is asked, nothing
    is paid. Without a change, the changes that would save most are tried. It predicts time and
    cost, never answers, and leaves CPU out.
    """
    said = Said(
        agents=agent, models=model, concurrency=concurrency, steps=step, rpm=rpm, tpm=tpm,
        limit=limit, overhead=overhead,
        cache_hit=0.0 if cache_hit is None else share_of_one("--cache-hit", cache_hit),
    )  # fmt: skip
    changes = said.changes()
    points = None if sweep is None else read_sweep(sweep)
    if each and points is not None:
        raise UsageError("--each and --sweep exclude each other")
    rehearsal = find_rehearsal(run, store, Played(council=council, task=task, inputs=tuple(inputs)))
    told = whole_sum(rehearsal)
    if points is not None:
        swept = sweep_over(rehearsal, changes, *points)
        text = report.sweep_json(told, swept) if json else report.sweep_text(told, swept, symbols())
    else:
        rows = compare(rehearsal, changes, each=each)
        text = report.whatif_json(told, rows) if json else report.whatif_text(told, rows, symbols())
    deliver_to_stdout(text)
