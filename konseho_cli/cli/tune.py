"""`konseho tune`: try changes one at a time on replays, keep what is faster with the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from konseho_cli.cli import completing, options
from konseho_cli.cli.asking import check_stdin, read_models, read_preset, read_task
from konseho_cli.cli.tuning import Asked, read_gate, read_kinds, read_max_time, tune
from konseho_cli.engine.options import RunOptions
from konseho_cli.spec.find import find_council
from konseho_cli.spec.inputs import read_inputs
from konseho_cli.spec.load import load_council

Gate: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--gate",
        metavar="SHARE",
        help="The least saving that a change stays for; the stated `improvement`, 20%, by default.",
    ),
]
Only: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="KIND,…",
        help="concurrency, limits, quorum, cache, presets, gc, events, compression; the first "
        "three are exact and quick. By default all.",
    ),
]  # fmt: skip
MaxTime: TypeAlias = Annotated[
    str, typer.Option("--max-time", metavar="DURATION", help="To try things, in all.")
]
Preset: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME|FILE",
        help="The settings to begin with.",
        autocompletion=completing.presets,
    ),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE",
        help="The preset to write; by default profiles/COUNCIL-tuned.yaml beside the council.",
    ),
]  # fmt: skip
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Try what was rolled back before, too.")
]
OnlyPlan: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="List what would be tried; ask no model, write nothing.")
]


def command(
    council: options.Council,
    task: options.Task = None,
    task_file: options.TaskFile = None,
    inputs: options.Inputs = [],  # noqa: B006 - Typer reads it, nobody writes it
    model: options.Models = [],  # noqa: B006
    simulate: options.Simulate = False,
    seed: options.Seed = None,
    replay: options.Replay = None,
    preset: Preset = None,
    gate: Gate = None,
    only: Only = None,
    max_time: MaxTime = "2m",
    again: Again = False,
    output: Output = None,
    force: Force = False,
    only_plan: OnlyPlan = False,
    allow_exec: options.AllowExec = False,
    store: options.Store = None,
    quiet: options.Quiet = False,
    json: options.AsJson = False,
) -> None:
    """Make a council faster, one change at a time.

    One run is made, or taken (--replay), and everything is tried on replays of it, which cost
    nothing. `sim` answers unless the file, --model or KONSEHO_MODEL says otherwise. What is kept
    goes into a preset; the council's own file is never written.
    """
    check_stdin(task, task_file, inputs)
    file = find_council(council)
    loaded = load_council(file)
    base = read_preset(preset, file, events=None, stream=False, events_out=None)
    wanted = RunOptions(
        task=read_task(task, task_file),
        # A run that is kept has its own: none is asked for then.
        inputs=read_inputs(loaded.spec, inputs) if inputs or replay is None else {},
        wishes=read_models(model, simulate=simulate), seed=seed, settings=base.settings,
    )  # fmt: skip
    asked = Asked(
        loaded=loaded, options=wanted, base=base, replay=replay, store=store, gate=read_gate(gate),
        kinds=read_kinds(only), max_s=read_max_time(max_time), again=again, output=output,
        force=force, dry_run=only_plan, quiet=quiet, json=json, name=council,
    )  # fmt: skip
    raise typer.Exit(tune(asked))
