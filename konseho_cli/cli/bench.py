"""`konseho bench`: measure the stated targets, or a council, and compare with what was before."""

from __future__ import annotations

import typer

from konseho_cli.cli import bench_options as own
from konseho_cli.cli import options
from konseho_cli.cli.bench_subject import Subject
from konseho_cli.cli.benching import Wanted, run_bench, show_history


def command(
    ctx: typer.Context,
    council: own.Council = None,
    task: options.Task = None,
    inputs: options.Inputs = [],  # noqa: B006 - Typer reads it, nobody writes it
    model: options.Models = [],  # noqa: B006
    simulate: options.Simulate = False,
    max_concurrency: options.MaxConcurrency = None,
    seed: options.Seed = None,
    preset: options.Preset = None,
    replay: options.Replay = None,
    only: own.Only = "",
    exact: own.Exact = False,
    quick: own.Quick = False,
    runs: own.Runs = 20,
    save: own.Save = None,
    against: own.Against = None,
    threshold: own.Threshold = "5%",
    floor: own.Floor = "1us",
    confidence: own.Confidence = "95%",
    max_time: own.MaxTime = "60s",
    history: own.History = False,
    allow_exec: options.AllowExec = False,
    store: options.Store = None,
    json: options.AsJson = False,
    markdown: own.AsMarkdown = False,
    junit: own.Junit = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure the stated targets or a council, and guard them.

    A council is run in virtual time by `sim`, unless the file, --model, KONSEHO_MODEL or --replay
    says otherwise; models that cost something are asked once and replayed.
    """
    own.check_used(ctx, council=council is not None, history=history)
    subject = Subject.of(
        council, task=task, inputs=inputs, models=model, simulate=simulate, preset=preset,
        replay=replay, seed=seed, max_concurrency=max_concurrency, store=store,
    )  # fmt: skip
    if history:
        raise typer.Exit(show_history(subject, json=json))
    wanted = Wanted.of(
        only=only, exact=exact, quick=quick, runs=runs, save=save, against=against,
        threshold=threshold, floor=floor, confidence=confidence, max_time=max_time, json=json,
        markdown=markdown, junit=junit, quiet=quiet,
    )  # fmt: skip
    raise typer.Exit(run_bench(subject, wanted))
